// Where messages go: Telegram's bot API and any webhook. Tokens stand in their URLs, so no URL is ever part of a text.
import type { Config } from '../../core/config.ts';
import { Failure } from '../../core/failure.ts';
import { redactor } from '../../core/log.ts';
import { isLoopback } from '../../core/loopback.ts';

export interface Message {
  readonly alert_id: number;
  readonly key: string;
  readonly kind: 'entry' | 'exit' | 'day' | 'alert';
  readonly severity: 'info' | 'warning' | 'critical';
  /** Eastern. */
  readonly ts: string;
  readonly text: string;
}

/** `refused`: these very messages will never be taken. `failed`: the channel is at fault, later it may take them. */
export type SendOutcome =
  | { readonly kind: 'sent' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly retryAfterMs: number | null };

export interface Channel {
  readonly name: 'telegram' | 'webhook';
  /** Milliseconds between two posts at least. */
  readonly gapMs: number;
  /** Posts them as one. Never throws. */
  send(messages: readonly Message[], signal: AbortSignal): Promise<SendOutcome>;
}

const TIMEOUT_MS = 10_000;
// Telegram takes 4,096 characters, about one message a second in a chat and twenty a minute in a group.
const TELEGRAM_CHARS = 4000;
const TELEGRAM_GAP_MS = 3100;
const WEBHOOK_GAP_MS = 1000;
const REASON_CHARS = 200;
const MARKS = { info: '', warning: '⚠ ', critical: '🔴 ' } as const;

type ChannelConfig = Pick<
  Config,
  'telegramBotToken' | 'telegramChatId' | 'telegramApiUrl' | 'alertWebhookUrl' | 'secrets'
>;

/** The channels that are configured; none is an empty list. Throws Failure when half of one is, or a URL would show a secret. */
export function openChannels(config: ChannelConfig): readonly Channel[] {
  const { telegramBotToken: token, telegramChatId: chat, alertWebhookUrl: hook } = config;
  const redact = redactor(config.secrets);
  if ((token === null) !== (chat === null)) {
    throw new Failure(`${token === null ? 'TELEGRAM_BOT_TOKEN' : 'TELEGRAM_CHAT_ID'} is not set`, {
      hint: 'Telegram needs both: the token of a bot from @BotFather, and the id of the chat that it was invited to.',
    });
  }
  return [
    ...(token === null || chat === null
      ? []
      : [
          telegram(
            `${checked('TELEGRAM_API_URL', config.telegramApiUrl)}/bot${token}/sendMessage`,
            chat,
            redact,
          ),
        ]),
    ...(hook === null ? [] : [webhook(checked('ALERT_WEBHOOK_URL', hook), redact)]),
  ];
}

function checked(name: string, url: string): string {
  if (URL.canParse(url) && (url.startsWith('https://') || isLoopback(url))) return url.replace(/\/+$/, '');
  throw new Failure(`${name} is not an https:// URL`, {
    hint: 'Messages and tokens travel encrypted; http:// is accepted on this machine only.',
  });
}

type Redact = (text: string) => string;

function telegram(url: string, chat: string, redact: Redact): Channel {
  return {
    name: 'telegram',
    gapMs: TELEGRAM_GAP_MS,
    send: async (messages, signal) => {
      const text = messages.map(lineOf).join('\n').slice(0, TELEGRAM_CHARS);
      const answer = await post(
        url,
        { chat_id: chat, text, disable_web_page_preview: true },
        { signal, redact },
      );
      // Of the errors of a request only an over-long or empty text is the message's own fault.
      const isOwnFault = answer.status === 400 && /message/i.test(answer.reason);
      return outcomeOf(answer, isOwnFault);
    },
  };
}

function webhook(url: string, redact: Redact): Channel {
  return {
    name: 'webhook',
    gapMs: WEBHOOK_GAP_MS,
    send: async (messages, signal) => {
      // `text` is what Slack and Mattermost show, `content` what Discord does.
      const text = messages.map(lineOf).join('\n');
      const answer = await post(url, { text, content: text, messages }, { signal, redact });
      return outcomeOf(answer, [400, 413, 422].includes(answer.status ?? 0));
    },
  };
}

function lineOf({ severity, text }: Message): string {
  return `${MARKS[severity]}${text}`;
}

interface Answer {
  /** Null: there was none. */
  readonly status: number | null;
  readonly reason: string;
  readonly retryAfterMs: number | null;
}

function outcomeOf({ status, reason, retryAfterMs }: Answer, isOwnFault: boolean): SendOutcome {
  if (status !== null && status >= 200 && status < 300) return { kind: 'sent' };
  return isOwnFault ? { kind: 'refused', reason } : { kind: 'failed', reason, retryAfterMs };
}

async function post(
  url: string,
  body: unknown,
  { signal, redact }: { readonly signal: AbortSignal; readonly redact: Redact },
): Promise<Answer> {
  const clean = (text: string): string =>
    redact(text)
      .replaceAll(/[\s\p{Cc}]+/gu, ' ')
      .slice(0, REASON_CHARS);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      // A redirect would take the token elsewhere.
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const text = (await response.text()).slice(0, 10 * REASON_CHARS);
    const said = descriptionIn(text);
    return {
      status: response.status,
      reason: clean(`HTTP ${response.status}${said === '' ? '' : `: ${said}`}`),
      retryAfterMs: retryAfterOf(response.headers.get('retry-after'), text),
    };
  } catch (error) {
    // Only the code: the texts of some errors repeat the URL.
    const { name, code, cause } = error as { name?: string; code?: string; cause?: { code?: string } };
    const why = cause?.code ?? (typeof code === 'string' ? code : null) ?? name ?? 'unknown error';
    return { status: null, reason: clean(`no answer (${why})`), retryAfterMs: null };
  }
}

/** Telegram says what is wrong in `description`; of a webhook's page nothing is kept, for it may repeat what it was sent. */
function descriptionIn(text: string): string {
  const { description } = parsed(text);
  return typeof description === 'string' ? description : '';
}

function retryAfterOf(header: string | null, text: string): number | null {
  const { parameters } = parsed(text);
  const inBody = (parameters as { retry_after?: unknown } | undefined)?.retry_after;
  if (typeof inBody === 'number') return inBody * 1000;
  if (header === null) return null;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(ms, 0) : null;
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
