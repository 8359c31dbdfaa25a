// Rows for market.rejected_rows from anything that a vendor may send.
import type { RejectedRow } from '../../core/domain.ts';

const MAX_RAW = 500;

// Cutting may split a surrogate pair and text may hold NUL: PostgreSQL takes neither, and one bad row would fail its whole batch.
function storable(text: string): string {
  return Buffer.from(text.slice(0, MAX_RAW), 'utf8').toString('utf8').replaceAll('\0', '\ufffd');
}

function printed(value: unknown): string {
  if (typeof value === 'string') return value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // Nested deeper than the stack: JSON.parse takes it, JSON.stringify does not.
    return '(nested too deeply to print)';
  }
}

/** A rejected websocket frame (text) or event (parsed JSON), cut to 500 characters. */
export function rejectedRow(raw: unknown, reason: string, source = 'massive:ws'): RejectedRow {
  return { source, line: null, raw: storable(printed(raw)), reason };
}
