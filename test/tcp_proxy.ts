// A TCP proxy on loopback that does to connections what networks do: cut them, hang, slow them down, slice what they carry.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** The address with the proxy's port. */
  through(url: string): string;
  /** Resets every connection. */
  reset(): number;
  /** Passes nothing on any more, in either direction, without a word to anybody; new connections hang as well. */
  hang(isHanging: boolean): void;
  /** Delays everything by so many milliseconds; 0 is none. */
  delay(ms: number): void;
  /** Passes on pieces of so many bytes; 0 is as they come. */
  slice(bytes: number): void;
  /** Refuses new connections. */
  refuse(isRefusing: boolean): void;
  connections(): number;
  stop(): Promise<void>;
}

interface Weather {
  isHanging: boolean;
  delayMs: number;
  sliceBytes: number;
  isRefusing: boolean;
}

/** Starts a proxy in front of the host and port of `target`, a URL. */
export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target);
  const weather: Weather = { isHanging: false, delayMs: 0, sliceBytes: 0, isRefusing: false };
  const sockets = new Set<Socket>();
  const held: (() => void)[] = [];
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    if (weather.isRefusing) {
      client.resetAndDestroy();
      return;
    }
    track(client);
    const upstream = connect(Number(port), hostname);
    track(upstream);
    carry(client, upstream, { weather, held });
    carry(upstream, client, { weather, held });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const own = (server.address() as AddressInfo).port;
  return {
    port: own,
    through: (url) => {
      const of = new URL(url);
      of.port = String(own);
      of.hostname = '127.0.0.1';
      return of.href.replace(/\/$/, '');
    },
    reset: () => {
      const count = sockets.size;
      for (const socket of sockets) socket.resetAndDestroy();
      return count;
    },
    hang: (isHanging) => {
      weather.isHanging = isHanging;
      if (!isHanging) for (const pass of held.splice(0)) pass();
    },
    delay: (ms) => {
      weather.delayMs = ms;
    },
    slice: (bytes) => {
      weather.sliceBytes = bytes;
    },
    refuse: (isRefusing) => {
      weather.isRefusing = isRefusing;
    },
    connections: () => sockets.size / 2,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function carry(
  from: Socket,
  to: Socket,
  { weather, held }: { readonly weather: Weather; readonly held: (() => void)[] },
): void {
  let tail: Promise<void> = Promise.resolve();
  const inTurn = (work: () => Promise<void> | void): void => {
    tail = tail.then(work).catch(() => undefined);
  };
  const gate = async (): Promise<void> => {
    if (weather.isHanging) await new Promise<void>((resolve) => held.push(resolve));
    if (weather.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, weather.delayMs));
  };
  from.on('data', (chunk) => {
    from.pause();
    inTurn(async () => {
      await gate();
      for (const piece of pieces(chunk, weather.sliceBytes)) if (!to.destroyed) to.write(piece);
      from.resume();
    });
  });
  from.on('end', () =>
    inTurn(async () => {
      await gate();
      to.end();
    }),
  );
  // A cut is a cut on both sides.
  from.on('close', () => {
    if (!weather.isHanging) to.destroy();
  });
}

function pieces(chunk: Buffer, bytes: number): Buffer[] {
  if (bytes === 0) return [chunk];
  const found: Buffer[] = [];
  for (let at = 0; at < chunk.length; at += bytes) found.push(chunk.subarray(at, at + bytes));
  return found;
}
