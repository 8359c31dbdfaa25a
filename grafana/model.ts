// The part of Grafana's classic dashboard model (schemaVersion 42) that our pages use. What is optional there and never set here is left out.

export interface Datasource {
  readonly type: string;
  readonly uid: string;
}

/** Where every query goes; provisioning gives the data source this uid. */
export const DATASOURCE: Datasource = { type: 'grafana-postgresql-datasource', uid: 'strikebase' };

export type Format = 'table' | 'time_series';

export interface Target {
  readonly refId: string;
  readonly datasource: Datasource;
  readonly rawSql: string;
  readonly rawQuery: true;
  readonly editorMode: 'code';
  readonly format: Format;
}

export interface GridPosition {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export interface Override {
  readonly matcher: { readonly id: string; readonly options: string };
  readonly properties: readonly { readonly id: string; readonly value: Json }[];
}

export interface FieldConfig {
  readonly defaults: JsonObject;
  readonly overrides: readonly Override[];
}

export interface Panel {
  /** Stable: alert rules and links point at it. */
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly gridPos: GridPosition;
  readonly datasource: Datasource;
  readonly targets: readonly Target[];
  readonly fieldConfig: FieldConfig;
  readonly options: JsonObject;
  readonly interval?: string;
  readonly transformations?: readonly JsonObject[];
}

export interface Variable {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly type: 'query';
  readonly datasource: Datasource;
  readonly query: string;
  /** 1 when the dashboard loads, 2 also when its time range changes. */
  readonly refresh: 1 | 2;
  readonly multi: boolean;
  readonly includeAll: boolean;
  readonly sort: 0;
  readonly hide: 0;
  readonly regex: '';
  readonly options: readonly [];
  /** What it starts with; else its first option. */
  readonly current?: JsonObject;
}

export interface Annotation {
  readonly name: string;
  readonly enable: boolean;
  readonly hide: boolean;
  readonly iconColor: string;
  readonly datasource: Datasource;
  readonly target: Target;
  /** Panels that show it; null shows it on all. */
  readonly filter?: { readonly exclude: boolean; readonly ids: readonly number[] };
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly schemaVersion: 42;
  readonly version: 1;
  readonly editable: false;
  readonly timezone: 'America/New_York';
  readonly weekStart: 'monday';
  readonly graphTooltip: 1;
  readonly liveNow: false;
  readonly refresh: string;
  readonly time: { readonly from: string; readonly to: string };
  readonly timepicker: JsonObject;
  readonly links: readonly JsonObject[];
  readonly templating: { readonly list: readonly Variable[] };
  readonly annotations: { readonly list: readonly Annotation[] };
  readonly panels: readonly Panel[];
}

export const TAG = 'strikebase';

export interface Page {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** Default range, e.g. now-90d. */
  readonly from: string;
  /** Of live pages, e.g. 10s; empty is never. */
  readonly refresh: string;
  readonly variables: readonly Variable[];
  readonly annotations?: readonly Annotation[];
  readonly panels: readonly Panel[];
}

/** A page as Grafana's classic JSON. */
export function dashboard(page: Page): Dashboard {
  const { from, variables, annotations = [], panels, ...rest } = page;
  return {
    ...rest,
    tags: [TAG],
    schemaVersion: 42,
    version: 1,
    editable: false,
    timezone: 'America/New_York',
    weekStart: 'monday',
    graphTooltip: 1,
    liveNow: false,
    time: { from, to: 'now' },
    timepicker: { refresh_intervals: ['5s', '10s', '30s', '1m', '5m'] },
    links: [pageLinks()],
    templating: { list: variables },
    annotations: { list: annotations },
    panels,
  };
}

function pageLinks(): JsonObject {
  return {
    type: 'dashboards',
    title: 'Strikebase',
    tags: [TAG],
    asDropdown: false,
    includeVars: true,
    keepTime: false,
    targetBlank: false,
    icon: 'external link',
    tooltip: '',
    url: '',
  };
}

/** A query of the data source. */
export function target(rawSql: string, format: Format, refId = 'A'): Target {
  return { refId, datasource: DATASOURCE, rawSql, rawQuery: true, editorMode: 'code', format };
}
