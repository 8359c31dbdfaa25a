// Text sealed with a key of the user's: AES-256-GCM, the key made by scrypt.
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  randomBytes,
  type ScryptOptions,
  scrypt,
  timingSafeEqual,
} from 'node:crypto';
import { z } from 'zod';
import { Failure } from '../../../core/failure.ts';

export interface Sealer {
  seal(text: string): Promise<string>;
  /** Throws a Failure on another key than the one that sealed, and on a text that was damaged or is none of ours. */
  open(sealed: string): Promise<string>;
}

const MIN_SECRET_LENGTH = 16;
// Bound to what was sealed: a text sealed for another purpose does not open.
const PURPOSE = Buffer.from('strikebase schwab tokens 1');
const KEY_BYTES = 32;
const IV_BYTES = 12;
// 32 MB and about 0.1 s: a key that a person chose is not tried by the million.
const SCRYPT: ScryptOptions = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

const base64 = z.string().transform((text) => Buffer.from(text, 'base64'));
const container = z.object({
  version: z.literal(1),
  salt: base64,
  key_check: base64,
  iv: base64,
  tag: base64,
  data: base64,
});

/** A sealer for one key. Throws a Failure on a key that is missing or too short. */
export function createSealer(secretKey: string | null): Sealer {
  if (secretKey === null || secretKey.length < MIN_SECRET_LENGTH) throw badKey(secretKey);
  return {
    seal: async (text) => sealWith(await keyOf(secretKey, OWN_SALT), OWN_SALT, text),
    open: async (sealed) => {
      const parts = containerOf(sealed);
      return openWith(await keyOf(secretKey, parts.salt), parts);
    },
  };
}

/** One salt a process: every other file of its own would cost another derivation. */
const OWN_SALT = randomBytes(16);
const MAX_KEYS = 16;
const keys = new Map<string, Promise<Buffer>>();

function keyOf(secretKey: string, salt: Buffer): Promise<Buffer> {
  const name = createHmac('sha256', salt).update(secretKey).digest('base64');
  const known = keys.get(name);
  if (known !== undefined) return known;
  if (keys.size >= MAX_KEYS) keys.clear();
  const key = derive(secretKey, salt);
  keys.set(name, key);
  return key;
}

function derive(secretKey: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(secretKey, salt, KEY_BYTES, SCRYPT, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

// Tells a wrong key from a damaged file, which the cipher alone cannot.
function checkOf(key: Buffer): Buffer {
  return createHmac('sha256', key).update('key check').digest().subarray(0, 8);
}

function sealWith(key: Buffer, salt: Buffer, text: string): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(PURPOSE);
  const data = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  const parts = { salt, key_check: checkOf(key), iv, tag: cipher.getAuthTag(), data };
  const encoded = Object.entries(parts).map(([name, bytes]) => [name, bytes.toString('base64')] as const);
  return `${JSON.stringify({ version: 1, ...Object.fromEntries(encoded) })}\n`;
}

function containerOf(sealed: string): z.infer<typeof container> {
  let value: unknown;
  try {
    value = JSON.parse(sealed);
  } catch {
    throw damaged('it is no JSON');
  }
  const parsed = container.safeParse(value);
  if (!parsed.success) throw damaged('its fields are not those that strikebase writes');
  return parsed.data;
}

function openWith(key: Buffer, parts: z.infer<typeof container>): string {
  const check = checkOf(key);
  if (parts.key_check.length !== check.length || !timingSafeEqual(parts.key_check, check)) {
    throw new Failure('the stored Schwab tokens were sealed with another STRIKEBASE_SECRET_KEY', {
      hint: 'Put the old key back, or run `strikebase schwab login` again.',
    });
  }
  if (parts.iv.length !== IV_BYTES || parts.tag.length !== 16) throw damaged('its fields are cut');
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, parts.iv).setAAD(PURPOSE).setAuthTag(parts.tag);
    return Buffer.concat([decipher.update(parts.data), decipher.final()]).toString('utf8');
  } catch {
    throw damaged('its content was changed');
  }
}

function damaged(why: string): Failure {
  return new Failure(`the file of the Schwab tokens is damaged: ${why}`, {
    hint: 'Delete it and run `strikebase schwab login` again.',
  });
}

function badKey(secretKey: string | null): Failure {
  const what =
    secretKey === null ? 'is not set' : `is shorter than ${MIN_SECRET_LENGTH} characters and is not used`;
  return new Failure(`STRIKEBASE_SECRET_KEY ${what}: Schwab tokens are stored encrypted only`, {
    hint: 'Put one in .env, for example what `openssl rand -base64 32` prints, and keep a copy of it.',
    exitCode: 2,
  });
}
