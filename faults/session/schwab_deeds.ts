// What happens to the streams of Massive's and to the login at Schwab, and when all is well again.
import type { SimulatedSchwab } from '../../cli/simulated_schwab.ts';
import { addMs, epochMsFromEastern, formatEastern } from '../../core/eastern_time.ts';
import { type OsiSymbol, toMassive } from '../../core/osi_symbol.ts';
import { longFrame, rubbishFrames } from '../../sim/massive_rubbish.ts';
import type { MassiveSimulator } from '../../sim/massive_server.ts';
import { type Done, FINE, recovered } from './deeds.ts';
import type { StreamDeed } from './schwab_plan.ts';
import type { Stage } from './stage.ts';

export interface SchwabSimulators {
  readonly market: MassiveSimulator;
  readonly schwab: SimulatedSchwab;
}

const MUTE_MS = 60_000;
const NO_LOGIN_MS = 90_000;
const LONG_FRAME_BYTES = 17 << 20;
const ODD_SEQUENCE = 900_000_000;

/** Does it. Returns when the stage has recovered, or has not for twenty minutes. */
export async function performStream(stage: Stage, at: SchwabSimulators, deed: StreamDeed): Promise<Done> {
  switch (deed.kind) {
    case 'wire':
      return disturb(stage, at, deed);
    case 'rest':
      at.market.failRest({ kind: deed.fault, times: 2, retryAfterS: 1 });
      // A gap is what makes it ask REST.
      return disturb(stage, at, { kind: 'wire', market: 'options', fault: { kind: 'drop' } });
    case 'access_dies':
      at.schwab.simulator.oauth.killAccessTokens();
      return FINE;
    case 'login_dies':
      return loseLogin(stage, at);
    case 'rubbish':
      return sendRubbish(stage, at);
    case 'odd_quotes':
      return sendOddQuotes(stage, at);
  }
}

const STREAM = { stocks: 'equities', options: 'options' } as const;
const LIVE_SQL = `
  select latest.state from (
    select s.state, s.ts from ops.feed_states s where s.stream = $1 and s.symbol is null order by s.ts desc, s.feed_state_id desc limit 1
  ) latest
  where latest.state = 'live' and not exists (select from ops.feed_gaps g where g.stream = $1 and g.ts_to is null)`;

async function disturb(
  stage: Stage,
  at: SchwabSimulators,
  { market, fault, after }: Extract<StreamDeed, { kind: 'wire' }>,
): Promise<Done> {
  at.market.inflict(market, fault);
  if (after !== undefined) {
    await stage.clock.sleep(MUTE_MS);
    at.market.inflict(market, after);
  }
  const isLive = async (): Promise<boolean> => (await stage.rows(LIVE_SQL, [STREAM[market]])).length > 0;
  // The state of before the fault must have been left, which takes a mute stream its time.
  await stage.clock.sleep(2000);
  return recovered(stage, `the ${STREAM[market]} stream`, isLive);
}

async function loseLogin(stage: Stage, { schwab }: SchwabSimulators): Promise<Done> {
  const { oauth } = schwab.simulator;
  oauth.killAccessTokens();
  oauth.killRefreshToken();
  await stage.clock.sleep(NO_LOGIN_MS);
  await schwab.logIn();
  const since = formatEastern(stage.clock.now());
  return recovered(stage, 'reconciliation', async () => {
    const rows = await stage.rows('select from trade.reconciliations c where c.is_ok and c.ts > $1', [since]);
    return rows.length > 0;
  });
}

/** A contract that is streamed and bid for: that of the position, or one far from the money. */
export async function tickerOf(stage: Stage, which: 'held' | 'far'): Promise<string | null> {
  const [held] = await stage.rows<{ symbol: OsiSymbol }>("select symbol from trade.open_positions('schwab')");
  if (which === 'held' && held !== undefined) return toMassive(held.symbol);
  const [quoted] = await stage.rows<{ symbol: OsiSymbol }>(
    `select i.symbol from ref.instruments i
     where i.option_kind = 'call' and exists (
       select from market.option_quotes q
       where q.instrument_id = i.instrument_id and q.ts_event > $1 and q.bid_px_e4 >= 500)
     order by i.strike_e4 desc limit 1`,
    [formatEastern(addMs(stage.clock.now(), -60_000))],
  );
  return quoted === undefined ? null : toMassive(quoted.symbol);
}

async function sendRubbish(stage: Stage, at: SchwabSimulators): Promise<Done> {
  const ticker = await tickerOf(stage, 'far');
  if (ticker === null) return { recoveryMs: null, problem: 'no contract is streamed' };
  const nowMs = epochMsFromEastern(stage.clock.now());
  for (const { data } of rubbishFrames({ ticker, nowMs, firstSequence: ODD_SEQUENCE }))
    at.market.inflict('options', { kind: 'say', data });
  // Longer than any frame may be: it ends the connection.
  return disturb(stage, at, {
    ...{ kind: 'wire', market: 'options' },
    fault: { kind: 'say', data: longFrame(LONG_FRAME_BYTES) },
  });
}

/** Crossed, locked, one-sided and empty quotes of the contract that is held: no decision may come of them. */
async function sendOddQuotes(stage: Stage, { market }: SchwabSimulators): Promise<Done> {
  const sym = await tickerOf(stage, 'held');
  if (sym === null) return { recoveryMs: null, problem: 'no contract is streamed' };
  const sides = [
    { bp: 90, bs: 5, ap: 0.05, as: 5 },
    { bp: 0.01, bs: 5, ap: 0, as: 0 },
    { bp: 0, bs: 0, ap: 99, as: 5 },
    { bp: 0, bs: 0, ap: 0, as: 0 },
  ];
  const nowMs = epochMsFromEastern(stage.clock.now());
  const frame = sides.map((side, n) => ({
    ...{ ev: 'Q', sym, bx: 302, ax: 308, ...side },
    ...{ t: nowMs + n, q: ODD_SEQUENCE + (nowMs % 10_000_000) + n },
  }));
  market.inflict('options', { kind: 'say', data: JSON.stringify(frame) });
  return FINE;
}
