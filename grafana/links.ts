// Links from row to row and what Grafana fills in where it shows them.

/** A placeholder for Grafana. */
function filled(name: string): string {
  return `$\{${name}}`;
}

/** Name of a series: its run, alone or with the field; or its stream. */
export const RUN_LABEL = filled('__field.labels.run');
export const RUN_AND_FIELD = `${RUN_LABEL} ${filled('__field.name')}`;
export const STREAM_LABEL = filled('__field.labels.stream');
export const STREAM_AND_FIELD = `${STREAM_LABEL} ${filled('__field.name')}`;

const KEPT = `${filled('run:queryparam')}&${filled('__url_time_range')}`;
const VALUE = filled('__value.raw');

/** From a cell with a position's id to its page, the range kept. */
export const TO_POSITION = `/d/strikebase-position?var-position=${VALUE}&${KEPT}`;

/** The same with a range of its own, in columns from_ms and to_ms. */
export const TO_POSITION_IN_ITS_RANGE = `/d/strikebase-position?var-position=${VALUE}&${filled('run:queryparam')}&from=${filled('__data.fields.from_ms')}&to=${filled('__data.fields.to_ms')}`;

/** From a cell with a fill's id to its lineage. */
export const TO_LINEAGE = `/d/strikebase-decisions?var-fill=${VALUE}&${KEPT}`;
