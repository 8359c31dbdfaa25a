// Alert rules and where they go, as Grafana's alerting provisioning reads them. What fires is decided in SQL (panel.alarms): here it is only told.
import { DATASOURCE, type JsonObject } from './model.ts';
import { ALARMS_PANEL_ID } from './pages/health.ts';

const ORG = 1;
const GROUP = 'strikebase';
// Not that of the dashboards: Grafana makes it first, and would then find the name taken.
const FOLDER = 'Strikebase alerts';
const RECEIVER = 'strikebase operators';
const HEALTH_UID = 'strikebase-health';
const RANGE_SECONDS = 600;

interface Alarm {
  /** In panel.alarms. */
  readonly name: string;
  readonly title: string;
  /** How long it must last before anybody is told. */
  readonly pending: string;
  readonly severity: 'warning' | 'critical';
  /** What the value is. */
  readonly value: string;
  readonly advice: string;
}

export const ALARMS: readonly Alarm[] = [
  {
    name: 'stale_feed',
    title: 'Feed is stale in market hours',
    pending: '0s',
    severity: 'critical',
    value: 'seconds without a row',
    advice:
      'Entries are barred, exits wait for quotes. Look at streams and processes; an open position is watched at the broker by its resting stop.',
  },
  {
    name: 'missing_decision',
    title: 'Decision row is missing',
    pending: '0s',
    severity: 'critical',
    value: 'seconds since the last entry decision',
    advice: 'The rules do not advance: is the live process running, does the database answer?',
  },
  {
    name: 'unknown_order',
    title: 'Order in unknown state',
    pending: '0s',
    severity: 'critical',
    value: 'orders',
    advice: 'Entries are barred until it is settled. Compare with the broker’s page before doing anything.',
  },
  {
    name: 'position_mismatch',
    title: 'Positions differ from the broker’s',
    pending: '30s',
    severity: 'critical',
    value: 'accounts',
    advice: 'Entries are halted. A manual trade or an assignment? See readiness and reconciliation.',
  },
  {
    name: 'exit_not_filled',
    title: 'Exit is not filled',
    pending: '0s',
    severity: 'critical',
    value: 'seconds since the exit was decided',
    advice: 'Close by hand if need be: `strikebase close`, or the broker’s page.',
  },
  {
    name: 'day_loss',
    title: 'Daily loss limit is reached',
    pending: '0s',
    severity: 'critical',
    value: 'of the limit',
    advice: 'No entries for the rest of the day; exits go on.',
  },
  {
    name: 'halt',
    title: 'Trading is halted',
    pending: '0s',
    severity: 'warning',
    value: 'accounts halted',
    advice: '`strikebase resume` allows entries again.',
  },
  {
    name: 'token_life',
    title: 'Broker login lives less than 24 hours',
    pending: '0s',
    severity: 'warning',
    value: 'logins',
    advice: 'Run `strikebase schwab login`: without it there are no entries.',
  },
];

/** Stable: people silence rules by it. */
export function ruleUid(name: string): string {
  return `strikebase-${name.replaceAll('_', '-')}`;
}

/** SQL of a rule: whether it fires (0 or 1), or its value. A row always: silence would be an alarm of its own. */
export function alarmSql(name: string, column: 'is_firing::integer' | 'value'): string {
  return `select now() as "time", coalesce(max(a.${column}), 0) as value from panel.alarms a where a.alarm = '${name}'`;
}

function sqlQuery(refId: string, rawSql: string): JsonObject {
  return {
    refId,
    relativeTimeRange: { from: RANGE_SECONDS, to: 0 },
    datasourceUid: DATASOURCE.uid,
    model: {
      refId,
      datasource: { ...DATASOURCE },
      rawSql,
      format: 'time_series',
      rawQuery: true,
      editorMode: 'code',
      intervalMs: 1000,
      maxDataPoints: 100,
    },
  };
}

function expression(refId: string, model: JsonObject): JsonObject {
  return {
    refId,
    relativeTimeRange: { from: RANGE_SECONDS, to: 0 },
    datasourceUid: '__expr__',
    model: { refId, datasource: { type: '__expr__', uid: '__expr__' }, ...model },
  };
}

function rule(alarm: Alarm): JsonObject {
  const { name, title, pending, severity, value, advice } = alarm;
  return {
    uid: ruleUid(name),
    title,
    condition: 'C',
    data: [
      sqlQuery('A', alarmSql(name, 'is_firing::integer')),
      sqlQuery('V', alarmSql(name, 'value')),
      expression('B', { type: 'reduce', expression: 'A', reducer: 'last' }),
      expression('W', { type: 'reduce', expression: 'V', reducer: 'last' }),
      expression('C', {
        type: 'threshold',
        expression: 'B',
        conditions: [{ evaluator: { type: 'gt', params: [0] } }],
      }),
    ],
    dashboardUid: HEALTH_UID,
    panelId: ALARMS_PANEL_ID,
    // A database that does not answer counts as trouble, too.
    noDataState: 'Alerting',
    execErrState: 'Alerting',
    for: pending,
    annotations: {
      summary: `${title}: {{ $values.W.Value }} ${value}`,
      description: advice,
    },
    labels: { severity, alarm: name },
    isPaused: false,
  };
}

/** provisioning/alerting/rules.yaml. */
export function alertRules(): JsonObject {
  return {
    apiVersion: 1,
    groups: [
      { orgId: ORG, name: GROUP, folder: FOLDER, interval: '20s', rules: ALARMS.map((alarm) => rule(alarm)) },
    ],
  };
}

/** provisioning/alerting/contact-points.yaml. Grafana does not start with an empty token, chat or URL: the environment must hold something. */
export function contactPoints(): JsonObject {
  return {
    apiVersion: 1,
    contactPoints: [
      {
        orgId: ORG,
        name: RECEIVER,
        receivers: [
          {
            uid: 'strikebase-telegram',
            type: 'telegram',
            settings: { bottoken: '$TELEGRAM_BOT_TOKEN', chatid: '$TELEGRAM_CHAT_ID' },
            disableResolveMessage: false,
          },
          {
            uid: 'strikebase-webhook',
            type: 'webhook',
            settings: { url: '$ALERT_WEBHOOK_URL', httpMethod: 'POST' },
            disableResolveMessage: false,
          },
        ],
      },
    ],
  };
}

/** provisioning/alerting/policies.yaml: everything goes to the operators, critical alerts again every hour. */
export function notificationPolicies(): JsonObject {
  return {
    apiVersion: 1,
    policies: [
      {
        orgId: ORG,
        receiver: RECEIVER,
        group_by: ['alertname'],
        group_wait: '0s',
        group_interval: '1m',
        repeat_interval: '4h',
        routes: [
          {
            receiver: RECEIVER,
            object_matchers: [['severity', '=', 'critical']],
            group_by: ['alertname'],
            group_wait: '0s',
            group_interval: '1m',
            repeat_interval: '1h',
          },
        ],
      },
    ],
  };
}
