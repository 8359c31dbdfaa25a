// What Schwab, or the gateway in front of it, says when it refuses: four shapes of JSON, and anything else.
import { z } from 'zod';
import { parseJson } from '../http.ts';

export interface Refusal {
  readonly reason: string;
  /** The gateway could not talk to what is behind it: it says nothing about whether the request was carried out. */
  readonly isTransportFault: boolean;
}

const trader = z.looseObject({ message: z.string().optional(), errors: z.array(z.string()).optional() });
const listed = z.looseObject({
  errors: z.array(z.looseObject({ title: z.string().optional(), detail: z.string().optional() })).min(1),
});
const gateway = z.looseObject({
  fault: z.looseObject({
    faultstring: z.string(),
    detail: z.looseObject({ errorcode: z.string().optional() }).optional(),
  }),
});
const oauth = z.looseObject({ error: z.string(), error_description: z.string().optional() });

const MAX_REASON = 300;

/** The refusal in a body, or null where it holds none that can be read: an empty body, HTML, half a JSON text. */
export function refusalIn(text: string | null): Refusal | null {
  const body = parseJson(text);
  if (body === undefined) return null;
  const fault = gateway.safeParse(body);
  if (fault.success) return faultRefusal(fault.data.fault);
  const errors = listed.safeParse(body);
  if (errors.success) {
    const parts = errors.data.errors.flatMap(({ title, detail }) => [title, detail]);
    return refusal(parts);
  }
  const own = trader.safeParse(body);
  if (own.success && (own.data.message !== undefined || own.data.errors !== undefined)) {
    return refusal([own.data.message, ...(own.data.errors ?? [])]);
  }
  const login = oauth.safeParse(body);
  return login.success ? refusal([login.data.error, login.data.error_description]) : null;
}

function faultRefusal(fault: z.infer<typeof gateway>['fault']): Refusal {
  const code = fault.detail?.errorcode ?? '';
  return { reason: join([fault.faultstring, code]), isTransportFault: code.startsWith('protocol.') };
}

function refusal(parts: readonly (string | undefined)[]): Refusal {
  return { reason: join(parts), isTransportFault: false };
}

function join(parts: readonly (string | undefined)[]): string {
  const told = parts.filter((part) => part !== undefined && part.trim() !== '');
  return told.length === 0 ? 'no reason given' : told.join(': ').slice(0, MAX_REASON);
}
