// The simulated Schwab beside recorded answers of the real one: every field that was recorded is there, in its type; recorded
// spreads are traded again and give the recorded executions, cusips, average prices and cash.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { easternFromEpochMs, formatEastern } from '../../../core/eastern_time.ts';
import { needsSharedData, sharedData } from '../../harness.ts';
import { streamClient } from './stream_client.ts';
import { type Any, type Bench, bench, CALL, quote, single, stopsSimulators, vertical } from './support.ts';

needsSharedData('schwab');
stopsSimulators();

function recorded(...path: readonly string[]): Any {
  const text = readFileSync(sharedData('schwab', ...path) ?? '', 'utf8');
  return path.at(-1)?.endsWith('.jsonl') === true
    ? text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    : JSON.parse(text);
}

const FIXTURES = ['schwab_rb', 'spec', 'fixtures'];

function typeOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
}

/** Paths of a recorded value that ours lacks or has in another type. Of an array the first items are compared. */
function missing(theirs: Any, ours: Any, ignored: readonly string[] = [], path = ''): string[] {
  if (ignored.includes(path)) return [];
  if (typeOf(theirs) !== typeOf(ours)) return [`${path}: ${typeOf(theirs)}, not ${typeOf(ours)}`];
  if (Array.isArray(theirs)) {
    return theirs.length === 0 ? [] : missing(theirs[0], ours[0], ignored, `${path}[]`);
  }
  if (typeOf(theirs) !== 'object') return [];
  return Object.keys(theirs).flatMap((key) =>
    missing(theirs[key], ours[key], ignored, path === '' ? key : `${path}.${key}`),
  );
}

/** The body that would have placed a recorded order. */
function bodyOf(order: Any): Record<string, unknown> {
  const { session, duration, orderType, complexOrderStrategyType, price, orderStrategyType } = order;
  return {
    ...{ session, duration, orderType, complexOrderStrategyType, orderStrategyType },
    price: String(price),
    orderLegCollection: order.orderLegCollection.map((leg: Any) => ({
      instruction: leg.instruction,
      quantity: leg.quantity,
      instrument: { symbol: leg.instrument.symbol, assetType: leg.instrument.assetType },
    })),
  };
}

/** A market that pays every leg its recorded price. */
function quoteFills(at: Bench, order: Any): void {
  for (const execution of order.orderActivityCollection[0].executionLegs) {
    const { instrument } = order.orderLegCollection[execution.legId - 1];
    quote(at.simulator, instrument.symbol, execution.price, execution.price);
  }
}

const ORDERS: readonly Any[] =
  sharedData('schwab') === null ? [] : recorded(...FIXTURES, 'orders_with_iron_condor.json');
const FILLED = ORDERS.filter((order) => order.status === 'FILLED');
const OPENING = FILLED.filter((order) => order.orderType === 'NET_CREDIT');

function benchAt(order: Any, options = {}): Promise<Bench> {
  const entered = easternFromEpochMs(Date.parse(order.enteredTime.replace('+0000', 'Z')));
  return bench({ start: formatEastern(entered), ...options });
}

describe('recorded spreads, traded again', () => {
  it('fill at the recorded prices and are reported in the recorded fields', async () => {
    expect(OPENING.length).toBeGreaterThan(4);
    for (const theirs of OPENING) {
      const at = await benchAt(theirs);
      quoteFills(at, theirs);
      const ours: Any = await at.order(await at.place(bodyOf(theirs)));
      expect(missing(theirs, ours)).toEqual([]);
      const pick = (order: Any): unknown => ({
        status: order.status,
        price: order.price,
        quantity: order.quantity,
        filledQuantity: order.filledQuantity,
        remainingQuantity: order.remainingQuantity,
        enteredTime: order.enteredTime,
        legs: order.orderLegCollection.map((leg: Any) => [
          leg.legId,
          leg.instruction,
          leg.positionEffect,
          leg.quantity,
          leg.instrument.symbol,
          leg.instrument.putCall,
          leg.instrument.underlyingSymbol,
          leg.instrument.optionDeliverables,
        ]),
        fills: order.orderActivityCollection.flatMap((activity: Any) =>
          activity.executionLegs.map((leg: Any) => [leg.legId, leg.quantity, leg.price]),
        ),
      });
      expect(pick(ours)).toEqual(pick(theirs));
    }
  });

  it('have the recorded cusips', async () => {
    for (const theirs of OPENING) {
      const at = await benchAt(theirs);
      const ours: Any = await at.order(await at.place(bodyOf(theirs)));
      const cusips = (order: Any): unknown =>
        order.orderLegCollection.map((leg: Any) => leg.instrument.cusip);
      expect(cusips(ours)).toEqual(cusips(theirs));
    }
  });

  it('leave the recorded average prices and cash', async () => {
    const theirs = OPENING.find((order) => order.orderId === 1002613435352);
    const at = await benchAt(theirs, { fees: { optRegFee_e4: 100, secFee_e4: 100 } });
    quoteFills(at, theirs);
    await at.place(bodyOf(theirs));
    const query = 'startDate=2025-01-17T00:00:00.000Z&endDate=2025-01-18T00:00:00.000Z&types=TRADE';
    const rows: Any = (await at.call('GET', `/accounts/${at.hash}/transactions?${query}`)).json;
    const all: Any = recorded(
      'schwab_rb',
      'spec',
      'factories',
      'body_json',
      'transactions_response_body.json',
    );
    const expected = all.filter((row: Any) => row.orderId === 1002613435352);
    const net = (list: readonly Any[]): unknown => list.map((row) => row.netAmount).sort();
    expect(net(rows)).toEqual(net(expected));
    expect(missing(expected[0], rows[0], ['transferItems[].instrument'])).toEqual([]);
    const items = (row: Any): unknown =>
      row.transferItems.map(({ instrument: _instrument, ...item }: Any) => item);
    expect(rows.map(items)).toEqual(expected.map(items).sort((a: Any) => (a.at(-1).amount > 0 ? -1 : 1)));
    const account: Any = (await at.call('GET', `/accounts/${at.hash}?fields=positions`)).json;
    const positions = (value: Any): unknown =>
      value.securitiesAccount.positions
        .filter((each: Any) => each.instrument.symbol.startsWith('MRVL  250321C'))
        .map((each: Any) => [
          each.instrument.symbol,
          each.averagePrice,
          each.longQuantity,
          each.shortQuantity,
        ])
        .sort();
    const [call155, call170] = positions(account) as unknown[][];
    expect([call155, call170]).toEqual(positions(recorded(...FIXTURES, 'account.json')));
  });
});

describe('recorded shapes', () => {
  const RECORDED_STATES = ['PENDING_ACTIVATION', 'CANCELED', 'REPLACED', 'REJECTED'];

  it.each(RECORDED_STATES)('of a %s order', async (status) => {
    const theirs = ORDERS.find(
      (order) => order.status === status && order.orderLegCollection[0].instrument.assetType === 'OPTION',
    );
    const at = await bench(status === 'PENDING_ACTIVATION' ? { start: '2026-11-21 12:00' } : {});
    const isSpread = theirs.orderLegCollection.length > 1;
    const body = isSpread ? vertical('open', 1, '0.45') : single('SELL_TO_OPEN', 1, '1.25');
    const monday = JSON.parse(JSON.stringify(body).replaceAll('261120', '261123'));
    if (status === 'REJECTED')
      at.simulator.script.next('POST order', { kind: 'reject', reason: theirs.statusDescription });
    const id = await at.place(monday);
    if (status === 'CANCELED') await at.call('DELETE', `/accounts/${at.hash}/orders/${id}`);
    if (status === 'REPLACED') await at.call('PUT', `/accounts/${at.hash}/orders/${id}`, monday);
    const ours: Any = await at.order(id);
    expect(ours.status).toBe(status);
    expect(missing(theirs, ours)).toEqual([]);
    const quantities = ({ filledQuantity, remainingQuantity, statusDescription }: Any): unknown =>
      status === 'PENDING_ACTIVATION'
        ? filledQuantity
        : [filledQuantity, remainingQuantity, statusDescription];
    expect(quantities(ours)).toEqual(quantities(theirs));
    expect(Object.keys(ours).filter((key) => !(key in theirs) && key !== 'complexOrderStrategyType')).toEqual(
      [],
    );
  });

  it('of accounts, numbers and preferences', async () => {
    const at = await bench();
    quote(at.simulator, CALL, 1.25, 1.3);
    await at.place(single('BUY_TO_OPEN', 1, '1.30'));
    await at.advance(24 * 3_600_000);
    at.login();
    const get = async (path: string): Promise<Any> => (await at.call('GET', path)).json;
    const account = await get(`/accounts/${at.hash}?fields=positions`);
    expect(
      missing(recorded(...FIXTURES, 'account.json'), account, ['securitiesAccount.initialBalances']),
    ).toEqual([]);
    expect(
      missing(recorded(...FIXTURES, 'account_numbers.json'), await get('/accounts/accountNumbers')),
    ).toEqual([]);
    expect(missing(recorded(...FIXTURES, 'user_preferences.json'), await get('/userPreference'))).toEqual([]);
  });

  it.each(['accepted', 'rejected'])('of a preview that is %s', async (kind) => {
    const at = await bench();
    const body = kind === 'accepted' ? vertical('open', 1, '0.45') : vertical('close', 1, '0.45');
    const { json } = await at.call('POST', `/accounts/${at.hash}/previewOrder`, body);
    const theirs = recorded(...FIXTURES, 'orders', `${kind}_preview_order.json`);
    // Alerts and warnings of products that the simulator does not have.
    const ignored = ['orderValidationResult.warns', 'orderValidationResult.alerts'];
    expect(missing(theirs, json, ignored)).toEqual([]);
  });

  it('of an option chain and an option quote', async () => {
    const at = await bench();
    quote(at.simulator, 'QQQ', 610.11, 610.13);
    at.simulator.setQuote(CALL, 12_500, 13_000, 5, 6, { 28: 0.4, 8: 100, 9: 200 });
    const chain: Any = (await at.call('GET', '/marketdata/v1/chains?symbol=QQQ')).json;
    const theirs = recorded('qqq_0dte_chain_2024-10-21_excerpt.json');
    const contractOf = (value: Any): Any => {
      const [strikes] = Object.values(value.callExpDateMap) as Any[];
      return (Object.values(strikes) as Any[])[0][0];
    };
    const { callExpDateMap: _map, underlying: _underlying, ...head } = theirs;
    expect(missing(head, chain, ['assetMainType', 'assetSubType'])).toEqual([]);
    expect(missing(contractOf(theirs), contractOf(chain), ['high52Week', 'low52Week'])).toEqual([]);
    expect(Object.keys(chain.callExpDateMap)).toEqual(['2026-11-20:0']);
    const ours: Any = (await at.call('GET', `/marketdata/v1/quotes?symbols=${encodeURIComponent(CALL)}`))
      .json;
    const quoted = recorded(...FIXTURES, 'quotes', 'NVDA  250307P00095000_quote.json');
    const [nvda] = Object.values(quoted) as Any[];
    // Of the day's trading the simulator knows nothing.
    const ofTrades =
      '52WeekHigh 52WeekLow closePrice highPrice lowPrice openPrice indAskPrice indBidPrice indQuoteTime impliedYield ' +
      'lastSize markChange markPercentChange netChange netPercentChange theoreticalOptionValue timeValue';
    expect(
      missing(
        nvda,
        ours[CALL],
        ofTrades.split(' ').map((key) => `quote.${key}`),
      ),
    ).toEqual([]);
  });

  it('of streamed option quotes, field by field', async () => {
    const frames = recorded('schwab-py_streaming', 'streaming_messages.jsonl');
    const frame = frames.find(
      (each: Any) => each.test === 'test_level_one_option_handler' && each.message.data !== undefined,
    );
    const [theirs] = frame.message.data[0].content;
    const at = await bench();
    const token = at.simulator.oauth.login().access_token;
    const client = await streamClient(at.simulator, token);
    await client.login(token);
    quote(at.simulator, 'QQQ', 610.11, 610.13);
    quote(at.simulator, CALL, 1.25, 1.3);
    const fields = Array.from({ length: 56 }, (_, i) => i).join(',');
    await client.command('LEVELONE_OPTIONS', 'SUBS', { keys: CALL, fields });
    await client.command('CHART_EQUITY', 'SUBS', { keys: 'QQQ', fields: '0' });
    const [ours] = client.contents('LEVELONE_OPTIONS');
    expect(Object.keys(ours).length).toBeGreaterThan(25);
    const differing = Object.keys(ours).filter((key) => typeOf(theirs[key]) !== typeOf(ours[key]));
    expect(differing).toEqual([]);
  });
});

describe('Schwab’s specification of the trader API', () => {
  it('knows every field of our orders, but for activityId', async () => {
    const spec = recorded('openapi_from_major_schwab-go', 'docs', 'trader_api.openapi.json');
    const at = await bench();
    quote(at.simulator, CALL, 1.25, 1.3);
    const order: Any = await at.order(await at.place(single('SELL_TO_OPEN', 1, '1.25')));
    const schemas = spec.components.schemas;
    const extra = (value: Any, schema: string): string[] =>
      Object.keys(value).filter((key) => schemas[schema].properties[key] === undefined);
    expect(extra(order, 'Order')).toEqual([]);
    expect(extra(order.orderLegCollection[0], 'OrderLegCollection')).toEqual([]);
    expect(extra(order.orderActivityCollection[0], 'OrderActivity')).toEqual(['activityId']);
    expect(extra(order.orderActivityCollection[0].executionLegs[0], 'ExecutionLeg')).toEqual([]);
  });
});
