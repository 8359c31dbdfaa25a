// One function per kind of panel. Every panel says what it shows, by which formula and from where, and what an empty one means.
import {
  DATASOURCE,
  type Format,
  type JsonObject,
  type Override,
  type Panel,
  type Target,
  target,
} from './model.ts';

export interface PanelSpec {
  readonly id: number;
  readonly title: string;
  /** What it shows, the formula, the source. */
  readonly description: string;
  /** Column, row, width, height on the grid of 24 columns. */
  readonly at: readonly [x: number, y: number, w: number, h: number];
  readonly sql: string | readonly string[];
  /** Shown when there are no rows. */
  readonly noValue: string;
  readonly defaults?: JsonObject;
  readonly overrides?: readonly Override[];
  readonly options?: JsonObject;
  /** Least width of a point in time, e.g. 1m. */
  readonly interval?: string;
  readonly transformations?: readonly JsonObject[];
}

interface Kind {
  readonly type: string;
  readonly format: Format;
  readonly options: JsonObject;
  readonly defaults?: JsonObject;
}

function panel(spec: PanelSpec, kind: Kind): Panel {
  const [x, y, w, h] = spec.at;
  const { id, title, description, noValue, interval, transformations } = spec;
  return {
    id,
    type: kind.type,
    title,
    description,
    gridPos: { x, y, w, h },
    datasource: DATASOURCE,
    targets: targets(spec.sql, kind.format),
    fieldConfig: {
      defaults: { noValue, ...kind.defaults, ...spec.defaults },
      overrides: spec.overrides ?? [],
    },
    options: { ...kind.options, ...spec.options },
    ...(interval === undefined ? {} : { interval }),
    ...(transformations === undefined ? {} : { transformations }),
  };
}

function targets(sql: string | readonly string[], format: Format): Target[] {
  const texts = typeof sql === 'string' ? [sql] : sql;
  return texts.map((text, index) => target(text, format, String.fromCharCode(65 + index)));
}

/** Tiles: one for every row and number; texts of the row name them. */
export function tiles(spec: PanelSpec): Panel {
  return panel(spec, {
    type: 'stat',
    format: 'table',
    options: {
      reduceOptions: { values: true, calcs: ['lastNotNull'], fields: '' },
      colorMode: 'value',
      graphMode: 'none',
      justifyMode: 'center',
      orientation: 'vertical',
      textMode: 'value_and_name',
      wideLayout: false,
      showPercentChange: false,
    },
  });
}

/** Tiles of words, coloured by mappings. */
export function words(spec: PanelSpec): Panel {
  return panel(spec, {
    type: 'stat',
    format: 'table',
    options: {
      reduceOptions: { values: false, calcs: ['lastNotNull'], fields: '/.*/' },
      colorMode: 'background_solid',
      graphMode: 'none',
      justifyMode: 'center',
      orientation: 'vertical',
      textMode: 'value',
      wideLayout: false,
      showPercentChange: false,
    },
  });
}

const LEGEND = { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] } as const;
const TOOLTIP = { mode: 'multi', sort: 'none' } as const;

/** Lines over time. */
export function lines(spec: PanelSpec): Panel {
  return panel(spec, {
    type: 'timeseries',
    format: 'time_series',
    options: { legend: LEGEND, tooltip: TOOLTIP },
    defaults: {
      custom: {
        drawStyle: 'line',
        lineInterpolation: 'linear',
        lineWidth: 1,
        fillOpacity: 0,
        showPoints: 'never',
        spanNulls: false,
        axisPlacement: 'auto',
      },
    },
  });
}

/** Bars over time. */
export function timeBars(spec: PanelSpec): Panel {
  return panel(spec, {
    type: 'timeseries',
    format: 'time_series',
    options: { legend: LEGEND, tooltip: TOOLTIP },
    defaults: {
      custom: {
        drawStyle: 'bars',
        barAlignment: 0,
        barWidthFactor: 0.7,
        fillOpacity: 80,
        lineWidth: 0,
        gradientMode: 'none',
        axisPlacement: 'auto',
      },
    },
  });
}

/** Bars over texts; the first column names them. */
export function bars(spec: PanelSpec): Panel {
  return panel(spec, {
    type: 'barchart',
    format: 'table',
    options: {
      orientation: 'auto',
      xTickLabelRotation: 0,
      xTickLabelSpacing: 0,
      showValue: 'auto',
      stacking: 'none',
      groupWidth: 0.7,
      barWidth: 0.9,
      barRadius: 0,
      fullHighlight: false,
      legend: { ...LEGEND, showLegend: false },
      tooltip: TOOLTIP,
    },
    defaults: { custom: { fillOpacity: 80, lineWidth: 0, gradientMode: 'none' } },
  });
}

/** Rows and columns. */
export function table(spec: PanelSpec): Panel {
  return panel(spec, {
    type: 'table',
    format: 'table',
    options: { showHeader: true, cellHeight: 'sm' },
    defaults: { custom: { align: 'auto', cellOptions: { type: 'auto' }, filterable: true } },
  });
}

/** States over time: one row of the picture for every column after the time. */
export function states(spec: PanelSpec): Panel {
  return panel(spec, {
    type: 'state-timeline',
    format: 'table',
    options: {
      mergeValues: true,
      showValue: 'never',
      alignValue: 'left',
      rowHeight: 0.8,
      legend: { ...LEGEND, showLegend: false },
      tooltip: { mode: 'single', sort: 'none' },
    },
    defaults: { custom: { fillOpacity: 80, lineWidth: 0 }, color: { mode: 'thresholds' } },
  });
}

/** Candles from open, high, low, close and volume; every other column is a line. */
export function candles(spec: PanelSpec): Panel {
  return panel(spec, {
    type: 'candlestick',
    format: 'time_series',
    options: {
      mode: 'candles+volume',
      candleStyle: 'candles',
      colorStrategy: 'open-close',
      colors: { up: 'green', down: 'red', flat: 'gray' },
      fields: { open: 'open', high: 'high', low: 'low', close: 'close', volume: 'volume' },
      includeAllFields: true,
      legend: LEGEND,
      tooltip: TOOLTIP,
    },
    defaults: { custom: { lineWidth: 1, fillOpacity: 0, spanNulls: false, axisPlacement: 'auto' } },
  });
}

/** How often values occur. */
export function histogram(spec: PanelSpec): Panel {
  return panel(spec, {
    type: 'histogram',
    format: 'table',
    options: { bucketCount: 40, combine: true, legend: { ...LEGEND, showLegend: false }, tooltip: TOOLTIP },
    defaults: { custom: { fillOpacity: 70, lineWidth: 1, gradientMode: 'none' } },
  });
}

/** Points of two columns of the first query. */
export function points(spec: PanelSpec & { readonly xField: string; readonly yField: string }): Panel {
  const byName = (name: string): JsonObject => ({ matcher: { id: 'byName', options: name } });
  return panel(spec, {
    type: 'xychart',
    format: 'table',
    options: {
      mapping: 'manual',
      series: [
        {
          frame: { matcher: { id: 'byIndex', options: 0 } },
          x: byName(spec.xField),
          y: byName(spec.yField),
        },
      ],
      legend: { ...LEGEND, showLegend: false },
      tooltip: { mode: 'single', sort: 'none' },
    },
    defaults: { custom: { show: 'points', pointSize: { fixed: 5 } } },
  });
}
