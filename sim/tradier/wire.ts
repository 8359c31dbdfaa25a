// How Tradier writes JSON: lists collapse, errors come with 200, and what is not asked for as JSON is XML (reference A1, A3).
import type { Answer } from '../venue/http.ts';

export type Json = Readonly<Record<string, unknown>>;

/** A list under its name: the text `null` without rows, the row itself of one, else an array. */
export function list(name: string, rows: readonly unknown[]): unknown {
  if (rows.length === 0) return 'null';
  return { [name]: rows.length === 1 ? rows[0] : rows };
}

/** A list whose empty form is null (chains, expirations, calendars). */
export function listOrNull(name: string, rows: readonly unknown[]): unknown {
  return rows.length === 0 ? null : list(name, rows);
}

export function errors(texts: readonly string[]): Answer {
  return { status: 200, body: { errors: { error: texts.length === 1 ? texts[0] : texts } } };
}

export function plain(status: number, text: string): Answer {
  return { status, headers: { 'content-type': 'text/plain' }, body: text };
}

export function unauthorizedAccount(account: string): Answer {
  return plain(401, `Unauthorized Account: ${account}`);
}

export function gatewayFault(what: 'expired' | 'datastore'): Answer {
  const [faultstring, errorcode] =
    what === 'expired'
      ? ['Access Token expired', 'keymanagement.service.access_token_expired']
      : ['Datastore Error', 'datastore.ErrorWhileAccessingDataStore'];
  return { status: what === 'expired' ? 401 : 500, body: { fault: { faultstring, detail: { errorcode } } } };
}

function escaped(value: unknown): string {
  return String(value).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** What a client gets that does not ask for JSON. */
export function toXml(value: unknown): string {
  const node = (name: string, each: unknown): string => {
    if (Array.isArray(each)) return each.map((one) => node(name, one)).join('');
    if (each === null || each === undefined) return `<${name}/>`;
    if (typeof each !== 'object') return `<${name}>${escaped(each)}</${name}>`;
    return `<${name}>${Object.entries(each)
      .map(([key, inner]) => node(key, inner))
      .join('')}</${name}>`;
  };
  const body = Object.entries(value as Json)
    .map(([key, each]) => node(key, each))
    .join('');
  return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>${body}`;
}
