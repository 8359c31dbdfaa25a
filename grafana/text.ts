// Plain values as text. YAML in the block style that people read, every string quoted as JSON has it, which YAML takes as it is; JSON as biome formats it.
import type { Json } from './model.ts';

/** The text of a document; `comment` stands on top. */
export function yamlText(value: Json, comment: string): string {
  return `# ${comment}\n${blockLines(value).join('\n')}\n`;
}

function blockLines(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap((item: Json) => itemLines(item));
  if (isMap(value)) return Object.entries(value).flatMap(([key, of]) => entryLines(key, of));
  return [JSON.stringify(value)];
}

function itemLines(item: Json): string[] {
  const [first = '', ...rest] = isFlat(item) ? [flowText(item)] : blockLines(item);
  return [`- ${first}`, ...rest.map((line) => `  ${line}`)];
}

function entryLines(key: string, of: Json): string[] {
  if (isFlat(of)) return [`${key}: ${flowText(of)}`];
  return [`${key}:`, ...blockLines(of).map((line) => `  ${line}`)];
}

function isMap(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** True for what stands on one line: scalars, and lists of scalars. */
function isFlat(value: Json): boolean {
  if (Array.isArray(value)) return value.every((item: Json) => typeof item !== 'object' || item === null);
  return typeof value !== 'object' || value === null || Object.keys(value).length === 0;
}

function flowText(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((item: Json) => JSON.stringify(item)).join(', ')}]`;
  return JSON.stringify(value);
}

const WIDTH = 110;

/** The text of a JSON document: objects over lines, lists of scalars on one where they fit. */
export function jsonText(value: Json, indent = ''): string {
  if (isFlat(value)) {
    const flat = flowText(value);
    // A comma may follow.
    if (!Array.isArray(value) || indent.length + flat.length < WIDTH) return flat;
  }
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const items = value.map((item: Json) => `${inner}${jsonText(item, inner)}`);
    return `[\n${items.join(',\n')}\n${indent}]`;
  }
  const entries = Object.entries(value as { readonly [key: string]: Json });
  const lines = entries.map(([key, of]) => `${inner}${JSON.stringify(key)}: ${jsonText(of, inner)}`);
  return `{\n${lines.join(',\n')}\n${indent}}`;
}
