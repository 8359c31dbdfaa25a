// Frames of Schwab's streamer (reference B4): each holds one of three lists.
import { z } from 'zod';
import { parseJson } from '../http.ts';
import type { StreamerInfo } from './wire.ts';

const response = z.looseObject({
  service: z.string(),
  command: z.string(),
  requestid: z.union([z.string(), z.number()]).transform(String).optional(),
  content: z.looseObject({ code: z.number(), msg: z.string().default('') }),
});
export type StreamResponse = z.infer<typeof response>;

const notify = z.looseObject({
  heartbeat: z.union([z.string(), z.number()]).optional(),
  content: z.looseObject({ code: z.number(), msg: z.string().default('') }).optional(),
});
export type StreamNotice = z.infer<typeof notify>;

const data = z.looseObject({
  service: z.string(),
  timestamp: z.number().optional(),
  content: z.array(z.record(z.string(), z.unknown())).default([]),
});
export type StreamData = z.infer<typeof data>;

const frame = z.looseObject({
  response: z.array(response).default([]),
  notify: z.array(notify).default([]),
  data: z.array(data).default([]),
});
export type StreamFrame = z.infer<typeof frame>;

/** A frame, or null where the text is none. */
export function parseFrame(text: string): StreamFrame | null {
  const parsed = frame.safeParse(parseJson(text));
  return parsed.success ? parsed.data : null;
}

/** Codes of B4.2 on which we do something. */
export const CODE = {
  ok: 0,
  loginDenied: 3,
  closeConnection: 12,
  symbolLimit: 19,
  stopStreaming: 30,
} as const;

const SUCCESSES: ReadonlySet<number> = new Set([CODE.ok, 26, 27, 28, 29]);

/** True for the codes with which the streamer says yes. */
export function isSuccess(code: number): boolean {
  return SUCCESSES.has(code);
}

export interface StreamCommand {
  readonly service: 'ADMIN' | 'LEVELONE_OPTIONS' | 'ACCT_ACTIVITY';
  readonly command: 'LOGIN' | 'SUBS' | 'ADD' | 'UNSUBS' | 'LOGOUT';
  readonly parameters: Readonly<Record<string, string>>;
}

/** The text of a command. */
export function commandText(command: StreamCommand, requestId: string, info: StreamerInfo): string {
  const { service, command: name, parameters } = command;
  const request = {
    requestid: requestId,
    service,
    command: name,
    SchwabClientCustomerId: info.schwabClientCustomerId,
    SchwabClientCorrelId: info.schwabClientCorrelId,
    parameters,
  };
  return JSON.stringify({ requests: [request] });
}
