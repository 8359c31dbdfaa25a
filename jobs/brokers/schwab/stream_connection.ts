// One websocket connection to Schwab's streamer, from the login to its end. Commands go one at a time: each waits for its answer.
import { once } from 'node:events';
import { type RawData, WebSocket } from 'ws';
import type { Clock } from '../../../core/clock.ts';
import { errorText } from '../../../core/failure.ts';
import { redactor } from '../../../core/log.ts';
import {
  CODE,
  commandText,
  isSuccess,
  parseFrame,
  type StreamCommand,
  type StreamData,
} from './stream_wire.ts';
import type { StreamerInfo } from './wire.ts';

/** How a connection ended. `token`: the login was refused; `excess`: the user has another connection; `ours`: closed by us. */
export interface StreamEnd {
  readonly cause: 'token' | 'excess' | 'lost' | 'ours';
  readonly reason: string;
  /** Real ms that it lived after its login; 0 if it never came so far. */
  readonly aliveMs: number;
}

export interface StreamTiming {
  /** Until a connection is open, and until a command is answered; default 10,000. */
  readonly answerTimeoutMs: number;
  /** Without any frame, heartbeats included (about every 10 s), the connection counts as dead; default 30,000. */
  readonly silenceMs: number;
}

export interface StreamConnectionOptions {
  readonly url: URL;
  readonly info: StreamerInfo;
  readonly token: string;
  /** Real time. */
  readonly transport: Clock;
  readonly timing: StreamTiming;
  readonly onData: (message: StreamData) => void;
  readonly signal: AbortSignal;
}

/** The streamer's answer to a command. */
export interface StreamReply {
  readonly code: number;
  readonly msg: string;
}

interface Waiting {
  readonly requestId: string;
  readonly answer: (reply: StreamReply) => void;
}

const MAX_FRAME_BYTES = 8 * 1024 * 1024;

export class StreamConnection {
  /** Resolves when the connection has ended, however it ended. */
  readonly ended: Promise<StreamEnd>;
  readonly #options: StreamConnectionOptions;
  readonly #socket: WebSocket;
  readonly #over = new AbortController();
  #cause: StreamEnd['cause'] = 'lost';
  #reason: string | null = null;
  #loggedInAt: number | null = null;
  #heardAt: number;
  #waiting: Waiting | null = null;
  #requests = 0;
  #queue: Promise<unknown>;

  /** Connects at once; nothing is sent before `login`. */
  constructor(options: StreamConnectionOptions) {
    this.#options = options;
    this.#heardAt = options.transport.now();
    this.#socket = new WebSocket(options.url, {
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
      handshakeTimeout: options.timing.answerTimeoutMs,
    });
    this.#queue = once(this.#socket, 'open', { signal: this.#over.signal }).catch(() => undefined);
    this.ended = this.#run();
    void this.#watchSilence();
  }

  /** True when the streamer has taken the token; else the connection ends. */
  async login(): Promise<boolean> {
    const { token, info, transport } = this.#options;
    const reply = await this.command({
      service: 'ADMIN',
      command: 'LOGIN',
      parameters: {
        Authorization: token,
        SchwabClientChannel: info.schwabClientChannel,
        SchwabClientFunctionId: info.schwabClientFunctionId,
      },
    });
    if (reply !== null && isSuccess(reply.code)) this.#loggedInAt = transport.now();
    else this.end(`login failed: ${reply === null ? 'no answer' : `${reply.code} ${reply.msg}`}`);
    return this.#loggedInAt !== null;
  }

  /** Sends a command when those before it are answered; null when the connection has ended before its answer. */
  command(command: StreamCommand): Promise<StreamReply | null> {
    const reply = this.#queue.then(() => this.#send(command));
    this.#queue = reply;
    return reply;
  }

  /** Ends the connection as lost. */
  end(reason: string): void {
    this.#finish('lost', reason);
  }

  #run(): Promise<StreamEnd> {
    const { signal, transport, token } = this.#options;
    const abort = (): void => this.#finish('ours', 'ended by us');
    signal.addEventListener('abort', abort, { once: true });
    this.#socket.on('message', (data) => this.#receive(data));
    this.#socket.on('error', (error) => {
      this.#reason ??= errorText(error);
    });
    if (signal.aborted) abort();
    return new Promise((resolve) => {
      this.#socket.on('close', (code) => {
        signal.removeEventListener('abort', abort);
        this.#over.abort();
        const aliveMs = this.#loggedInAt === null ? 0 : (transport.now() - this.#loggedInAt) / 1000;
        const reason = redactor([token])(this.#reason ?? `connection closed with code ${code}`);
        resolve({ cause: this.#cause, reason, aliveMs });
      });
    });
  }

  // Without waiting for the other side: a dead one would never answer.
  #finish(cause: StreamEnd['cause'], reason: string): void {
    if (this.#reason === null) {
      this.#cause = cause;
      this.#reason = reason;
    }
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(1000);
    this.#socket.terminate();
  }

  #receive(raw: RawData): void {
    this.#heardAt = this.#options.transport.now();
    const frame = parseFrame(String(raw));
    if (frame === null) {
      this.end('a frame that cannot be read');
      return;
    }
    for (const { requestid, content } of frame.response) {
      this.#judge(content);
      if (requestid === this.#waiting?.requestId) this.#waiting?.answer(content);
    }
    for (const { content } of frame.notify) if (content !== undefined) this.#judge(content);
    for (const message of frame.data) this.#options.onData(message);
  }

  // These three sever the connection, whatever they answer.
  #judge({ code, msg }: StreamReply): void {
    if (code === CODE.loginDenied) this.#finish('token', `login denied: ${msg}`);
    else if (code === CODE.closeConnection) this.#finish('excess', `one connection a user: ${msg}`);
    else if (code === CODE.stopStreaming) this.#finish('lost', `streaming was stopped: ${msg}`);
  }

  async #send(command: StreamCommand): Promise<StreamReply | null> {
    if (this.#socket.readyState !== WebSocket.OPEN) return null;
    const { transport, timing, info } = this.#options;
    this.#requests += 1;
    const requestId = String(this.#requests);
    const answered = new AbortController();
    const replies: StreamReply[] = [];
    const answer = (reply: StreamReply): void => {
      replies.push(reply);
      answered.abort();
    };
    this.#waiting = { requestId, answer };
    this.#socket.send(commandText(command, requestId, info));
    await transport.sleep(timing.answerTimeoutMs, AbortSignal.any([answered.signal, this.#over.signal]));
    this.#waiting = null;
    const [reply = null] = replies;
    if (reply === null) this.end(`no answer to ${command.service} ${command.command}`);
    return reply;
  }

  async #watchSilence(): Promise<void> {
    const { transport, timing } = this.#options;
    const { signal } = this.#over;
    while (!signal.aborted) {
      const silentMs = Math.max(0, (transport.now() - this.#heardAt) / 1000);
      if (silentMs >= timing.silenceMs) return this.end(`no frame for ${Math.round(silentMs)} ms`);
      await transport.sleep(timing.silenceMs - silentMs, signal);
    }
  }
}
