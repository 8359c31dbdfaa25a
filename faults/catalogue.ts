// The faults F1 to F20, and the tests that inject each: a title is matched against `describe > test`.

export interface FaultClass {
  readonly id: string;
  readonly what: string;
  readonly tests: readonly Scenario[];
}

export interface Scenario {
  /** Below test/. */
  readonly file: string;
  readonly title: RegExp;
  /** Left out by --quick. */
  readonly isSlow?: boolean;
}

const ORDERS = 'db/orders';
const INGEST = 'db/ingest';
const RULES = 'db/rules';
const SCHWAB = 'jobs/brokers/schwab';
const at = (file: string, title: RegExp, isSlow = false): Scenario => ({
  file: `${file}.test.ts`,
  title,
  isSlow,
});

export const FAULTS: readonly FaultClass[] = [
  {
    id: 'F1',
    what: 'kill -9 of an ingester at nine points, and with rows sent and not committed',
    tests: [
      at(`${INGEST}/processes`, /ingesters that are killed/),
      at(`${INGEST}/marks`, /when the ingesters alone are killed/),
    ],
  },
  {
    id: 'F2',
    what: 'kill -9 of an order job at six points, entry and exit',
    tests: [
      at(`${ORDERS}/killed_jobs`, /a job that is killed/),
      at(`${ORDERS}/submit`, /a new process/),
      // Feed, rules and database besides: all processes of a system.
      at('live/tradier_session', /a spread/),
    ],
  },
  {
    id: 'F3',
    what: 'two jobs of one account',
    tests: [
      at(`${ORDERS}/submit`, /two submit jobs/),
      at(`${ORDERS}/reconcile`, /two reconcile jobs|a new submit job/),
      at(`${ORDERS}/loops`, /another process has the lock/),
      at(`${INGEST}/processes`, /that another process of the same stream/),
    ],
  },
  {
    id: 'F4',
    what: 'kill -9 of the database server',
    tests: [
      at(`${INGEST}/killed_server`, /killed twice/),
      at(`${INGEST}/marks`, /when (ingesters and server|their backends) are killed/),
      at(`${ORDERS}/loops`, /a database that goes away/),
      at('embedded/recovery', /kill -9|killed in the middle|dead server’s id/),
    ],
  },
  {
    id: 'F5',
    what: 'network cut, hung, slow, in slices',
    tests: [
      at(`${INGEST}/outage`, /the connection to the database|a database that is away/),
      at(`${INGEST}/gaps`, /a network that hangs/),
    ],
  },
  {
    id: 'F6',
    what: 'feed drops, stalls, repeats, disorders, comes late',
    tests: [
      at(`${INGEST}/gaps`, /a connection that is dropped|says nothing/),
      at(
        `${INGEST}/misbehaviour`,
        /events in disorder|a vendor whose REST misbehaves|a contract that is held/,
      ),
    ],
  },
  { id: 'F7', what: 'clock skew and steps', tests: [at('db/faults/skew', /a clock/)] },
  {
    id: 'F8',
    what: 'clock changes, half days, holidays',
    tests: [
      at('core/eastern_time', /to an epoch|from an epoch/),
      at('db/sessions', /closes early|half days|closures/),
      at(`${RULES}/gates`, /half day/),
      at(`${RULES}/periods`, /half day/),
    ],
  },
  {
    id: 'F9',
    what: 'broker accepts, and the answer is lost',
    tests: [
      at(`${ORDERS}/reconcile`, /an order of unknown fate/),
      at(`${ORDERS}/submit`, /silent_placed|silent_lost/),
      at(`${SCHWAB}/chaos`, /a Schwab that misbehaves/),
      at(`${SCHWAB}/contract`, /an order that the broker (takes|does not take) and that/),
    ],
  },
  {
    id: 'F10',
    what: '429, 401, 5xx, pages, half answers, slow answers',
    tests: [
      at(`${SCHWAB}/submit`, /an order that Schwab answers with|an id that is not believed/),
      at(`${SCHWAB}/not_sent`, /waits out|one too many|a cancel/),
      at(`${SCHWAB}/exchange`, /a request that may have been sent/),
    ],
  },
  {
    id: 'F11',
    what: 'partial fills, cancel races, fills behind a cancel',
    tests: [
      at(`${ORDERS}/reconcile`, /fills > (of a cancel race|that are reported behind|make an order)/),
      at(`${ORDERS}/submit`, /never for more than is open/),
      at(`${RULES}/broker_orders`, /fills behind its cancel|fills in part/),
      at(`${RULES}/broker_exits`, /fills in part|fills behind its cancel/),
    ],
  },
  {
    id: 'F12',
    what: 'rejects, of exits too',
    tests: [
      at(`${ORDERS}/submit`, /outcome is reject/),
      at(`${RULES}/broker_exits`, /that is rejected is tried again/),
      at(`${RULES}/broker_protection`, /refused three times/),
      at(`${SCHWAB}/contract`, /a reject/),
    ],
  },
  {
    id: 'F13',
    what: 'tokens that expire, a login that dies',
    tests: [
      at(`${SCHWAB}/access`, /an access token|a token service that fails|a dead refresh token|the countdown/),
      at(`${SCHWAB}/tokens`, /the seven days/),
    ],
  },
  { id: 'F14', what: 'disk full under the database', tests: [at('db/faults/disk_full', /./)] },
  {
    id: 'F15',
    what: '150,000 quotes a second, a process that stands still',
    tests: [at(`${INGEST}/flood`, /150,000/, true), at(`${INGEST}/outage`, /longer than the disk has room/)],
  },
  {
    id: 'F16',
    what: 'rubbish in the feed',
    tests: [at(`${INGEST}/misbehaviour`, /rubbish/)],
  },
  {
    id: 'F17',
    what: 'no quotes, one-sided or crossed ones',
    tests: [
      at(`${RULES}/gates`, /the quote/),
      at(`${RULES}/broker_exits`, /without an ask/),
      at(`${RULES}/exits`, /waits for quotes|crossed quote/),
    ],
  },
  {
    id: 'F18',
    what: 'trades by hand, assignment, expiry',
    tests: [
      at(`${ORDERS}/reconcile`, /positions > that|an order by hand/),
      at('jobs/orders/positions', /assignment/),
      at(`${SCHWAB}/contract`, /after an assignment|broker’s own page/),
      at(`${RULES}/broker_days`, /because its exit expired|although its exit filled/),
    ],
  },
  { id: 'F19', what: 'what does not fit together at a start', tests: [at('db/faults/start', /./)] },
  { id: 'F20', what: 'kill switch in every state', tests: [at('db/faults/halts', /the kill switch/)] },
];

/** The seeds of the order path. */
export const SEEDS: FaultClass = {
  id: 'seeds',
  what: 'random interleavings with the broker',
  tests: [at(`${ORDERS}/seeds`, /for every seed/)],
};
