// Units, colours and links of fields. One colour means one thing on every page: green and red are the sign of money, or good and bad.
import type { Json, JsonObject, Override } from './model.ts';

export const DOLLARS = 'currencyUSD';
export const SHARE = 'percentunit';
export const SECONDS = 's';
export const MILLISECONDS = 'ms';
export const TIME = 'time:YYYY-MM-DD HH:mm:ss';
export const COUNT = 'short';

export interface Step {
  /** Null is minus infinity. */
  readonly from: number | null;
  readonly color: string;
}

/** Thresholds in the field's own unit. */
export function thresholds(...steps: readonly Step[]): JsonObject {
  return { mode: 'absolute', steps: steps.map(({ from, color }) => ({ value: from, color })) };
}

/** Red below nothing, green from there on. */
export const SIGN: JsonObject = thresholds({ from: null, color: 'red' }, { from: 0, color: 'green' });

/** Defaults of fields that show money, coloured by its sign. */
export const MONEY: JsonObject = {
  unit: DOLLARS,
  decimals: 2,
  color: { mode: 'thresholds' },
  thresholds: SIGN,
};

/** Settings of one field, by its name. */
export function field(name: string, properties: JsonObject): Override {
  return { matcher: { id: 'byName', options: name }, properties: entries(properties) };
}

/** Settings of all fields whose name matches a regular expression. */
export function fieldsLike(pattern: string, properties: JsonObject): Override {
  return { matcher: { id: 'byRegexp', options: pattern }, properties: entries(properties) };
}

function entries(properties: JsonObject): { id: string; value: Json }[] {
  return Object.entries(properties).map(([id, value]) => ({ id, value }));
}

/** A column that links need and nobody reads. */
export function hidden(name: string): Override {
  // The second is what the first has been called since Grafana 12.
  return field(name, {
    'custom.hidden': true,
    'custom.hideFrom': { viz: true, legend: true, tooltip: true },
  });
}

/** Texts with colours, in the order given. */
export function mappings(colors: Readonly<Record<string, string>>): JsonObject[] {
  const options = Object.fromEntries(
    Object.entries(colors).map(([text, color], index) => [text, { text, color, index }]),
  );
  return [{ type: 'value', options }];
}

/** A column whose cells are coloured by their text. */
export function coloredText(name: string, colors: Readonly<Record<string, string>>): Override {
  return field(name, { mappings: mappings(colors), 'custom.cellOptions': { type: 'color-text' } });
}

/** A column of money, its text coloured by its sign. */
export function money(name: string): Override {
  return field(name, {
    unit: DOLLARS,
    decimals: 2,
    thresholds: SIGN,
    color: { mode: 'thresholds' },
    'custom.cellOptions': { type: 'color-text' },
  });
}

/** A column of some unit. */
export function unit(name: string, of: string, decimals?: number): Override {
  return field(name, { unit: of, ...(decimals === undefined ? {} : { decimals }) });
}

/** A line of one colour in a graph. */
export function line(
  name: string,
  color: string,
  style: { readonly width?: number; readonly dash?: boolean; readonly fill?: number } = {},
): Override {
  return field(name, {
    color: { mode: 'fixed', fixedColor: color },
    'custom.lineWidth': style.width ?? 1,
    'custom.fillOpacity': style.fill ?? 0,
    ...(style.dash === true ? { 'custom.lineStyle': { fill: 'dash', dash: [8, 6] } } : {}),
  });
}

/** Makes a column's cells links. */
export function linked(name: string, title: string, url: string): Override {
  return field(name, { links: [{ title, url, targetBlank: false }] });
}
