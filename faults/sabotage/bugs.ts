// Bugs to plant, each a replacement in one file, and the test that must notice it, by the invariant that it breaks.

export interface Bug {
  readonly name: string;
  readonly file: string;
  /** Stands in the file once. */
  readonly find: string;
  readonly replace: string;
  /** Must fail. Below test/, without `.test.ts`. */
  readonly test: { readonly file: string; readonly title: RegExp };
  /** What no longer holds; of a test with invariants of its own, the one it must name. */
  readonly invariant: string;
  /** The test starts processes, which run what was compiled. */
  readonly needsBuild?: boolean;
}

const ORDERS = 'db/orders';
const seeds = { file: `${ORDERS}/seeds`, title: /for every seed/ } as const;
const submit = (title: RegExp): Bug['test'] => ({ file: `${ORDERS}/submit`, title });
const spreads = (title: RegExp): Bug['test'] => ({ file: `${ORDERS}/spreads`, title });
const reconcile = (title: RegExp): Bug['test'] => ({ file: `${ORDERS}/reconcile`, title });

const SENDING: readonly Bug[] = [
  {
    name: 'retry an order on time-out',
    file: 'jobs/orders/sender.ts',
    find: 'return await Promise.race([broker.submit(brokerOrderOf(item), about), late]);',
    replace: `const first = await Promise.race([broker.submit(brokerOrderOf(item), about), late]);
    return first.kind === 'unknown' ? await broker.submit(brokerOrderOf(item), about) : first;`,
    test: seeds,
    invariant: 'no order sent twice',
  },
  {
    name: 'resend on unknown: take it for not sent',
    file: 'jobs/orders/sender.ts',
    find: `event: { order, at, state: 'unknown', detail: outcome.reason },`,
    replace: `event: { order, at, state: 'canceled', detail: outcome.reason },`,
    test: seeds,
    invariant:
      'our records agree with themselves|broker ledger = our fills|one position at a time|one entry at a time|every position has an armed exit',
  },
  {
    name: 'send before the intent is committed',
    file: 'jobs/orders/sender.ts',
    find: `  const { isNew, attempt } = await records.event({ order: item, at, state: 'submitted', qty: item.qty });`,
    replace: `  await broker(item, parts);
  const { isNew, attempt } = await records.event({ order: item, at, state: 'submitted', qty: item.qty });
  function broker(it: WorkItem, of: SenderParts): Promise<unknown> {
    return of.broker.submit(brokerOrderOf(it), { clientId: 'strikebase-early', priority: 'entry' });
  }`,
    test: submit(/an intent is committed as submitted before the broker hears of it/),
    invariant: 'no broker call without a committed intent',
  },
  {
    name: 'take a 201 for a fill',
    file: 'jobs/orders/sender.ts',
    find: `event: { order, at, state: 'accepted', venueOrderId: outcome.venueOrderId },`,
    replace: `event: { order, at, state: 'filled', venueOrderId: outcome.venueOrderId },`,
    test: submit(/goes from signal to flat/),
    invariant: 'filled is what the fills add up to',
  },
  {
    name: 'skip the lock of the account',
    file: 'jobs/orders/account_connection.ts',
    find: 'await lockAccountWithin(client, { account, lock, waitMs });',
    replace: 'if (waitMs < 0) await lockAccountWithin(client, { account, lock, waitMs });',
    test: submit(/two submit jobs of one account cannot run/),
    invariant: 'one process sends the orders of an account',
  },
  {
    name: 'no fence check',
    file: 'db/routines/trade/check_fence.sql',
    find: 'if v_epoch is distinct from p_epoch then',
    replace: 'if v_epoch is null and p_epoch is null then',
    test: { file: 'db/rules/broker_records', title: /the fence counts whoever takes the account over/ },
    invariant: 'whoever was replaced writes nothing',
  },
  {
    name: 'do not ask again whether the account was taken over',
    file: 'jobs/submit_orders.ts',
    find: 'if (isNewSecond && !(await records.holdsFence())) throw takenOver(account);',
    replace: 'if (isNewSecond && epoch < 0) throw takenOver(account);',
    test: submit(/that was replaced stops also where it has nothing to write/),
    invariant: 'whoever was replaced stops',
  },
  {
    name: 'forget what the process before left unanswered',
    file: 'jobs/submit_orders.ts',
    find: `if (order.state !== 'submitted' || order.venue_order_id !== null) continue;`,
    replace: `if (order.intent_id > 0) continue;`,
    test: submit(/takes what its predecessor left without an answer for unknown/),
    invariant: 'an order without an outcome is unknown',
  },
  {
    name: 'hold exits to the ceilings of entries',
    file: 'jobs/orders/problems.ts',
    find: `  if (item.purpose !== 'entry') return quantityProblem(item, judging.ceilings);
`,
    replace: `  if (item.intent_id < 0) return quantityProblem(item, judging.ceilings);
`,
    test: submit(/let an exit go whatever was sent before it/),
    invariant: 'nothing holds an exit back',
  },
  {
    name: 'let any entry through the ceilings',
    file: 'jobs/orders/problems.ts',
    find: 'if (fault === null) return entryProblem(item, ceilings, around);',
    replace: 'if (fault === null) return entryProblem(item, ceilings, around) === null ? null : null;',
    test: submit(/deny an entry above them/),
    invariant: 'no entry above the ceilings',
  },
  {
    name: 'do not count what leaves',
    file: 'jobs/orders/send_gate.ts',
    find: 'if (committed !== counters.committed)',
    replace: 'if (committed < 0)',
    test: submit(/the counters stop entries/),
    invariant: 'as many orders leave as were committed',
  },
];

const DECIDING: readonly Bug[] = [
  {
    name: 'exit without canceling the stop',
    file: 'db/routines/trade/order_work.sql',
    find: `when s.purpose = 'protect' and s.is_leaving then 'cancel: the exit goes first'`,
    replace: `when s.purpose = 'nothing' and s.is_leaving then 'cancel: the exit goes first'`,
    test: submit(/goes from signal to flat/),
    invariant: 'one order works for a position',
  },
  {
    name: 'send the exit beside the stop',
    file: 'db/routines/trade/order_work.sql',
    find: 'when s.working > 0 or s.open_qty <= 0 then null',
    replace: 'when s.open_qty <= 0 then null',
    test: seeds,
    invariant: 'no exit above what is open|our records agree with themselves|broker ledger = our fills',
  },
  {
    name: 'exit what was entered, not what is open',
    file: 'db/routines/trade/order_work.sql',
    find: 'least(d.qty, trade.confirmed_qty(p_account, d.position_id, d.open_qty, p_as_of))',
    replace: 'd.qty',
    test: submit(/is never for more than is open/),
    invariant: 'no exit above what is open',
  },
  {
    name: 'look at the kill switch when deciding only',
    file: 'db/routines/trade/order_work.sql',
    find: `when s.bar is not null then 'drop: denied: ' || s.bar`,
    replace: `when s.bar = 'nothing' then 'drop: denied: ' || s.bar`,
    test: { file: 'db/faults/halts', title: /an entry is decided/ },
    invariant: 'no entry after the kill switch',
  },
  {
    name: 'let entries work on under the kill switch',
    file: 'db/routines/trade/order_work.sql',
    find: `when s.purpose = 'entry' and s.bar in ('halted', 'no_run') then 'cancel: ' || s.bar`,
    replace: `when s.purpose = 'entry' and s.bar in ('no_run') then 'cancel: ' || s.bar`,
    test: { file: 'db/faults/halts', title: /its loop sleeps/ },
    invariant: 'the kill switch cancels entries that work',
  },
  {
    name: 'enter while an order is of unknown fate',
    file: 'db/routines/trade/entry_bar.sql',
    find: `      return 'unknown_order';`,
    replace: '      null;',
    test: {
      file: 'db/rules/broker_orders',
      title: /by another order of the account that nobody knows the fate of/,
    },
    invariant: 'while anything is unknown there is no entry anywhere',
  },
  {
    name: 'enter on a period that a stream has not said to be complete',
    file: 'db/routines/trade/mark_bar.sql',
    find: `    return 'feed_mute';`,
    replace: '    null;',
    test: { file: 'db/rules/gates', title: /a stream has not said to be complete/ },
    invariant: 'no entry on half a period',
  },
  {
    name: 'enter on a period whose late ticks may still come',
    file: 'db/routines/trade/mark_bar.sql',
    find: ' + make_interval(secs => p_run.grace_ms / 1000.0)',
    replace: '',
    test: { file: 'db/rules/broker_grace', title: /enters on nothing that has not waited/ },
    invariant: 'no entry on half a period',
  },
  {
    name: 'let an exit wait for late ticks',
    file: 'jobs/live.ts',
    find: 'if (end > advancedTo || !mayHurry) return end;',
    replace: 'return end;',
    test: { file: 'db/rules/broker_grace', title: /exits at once when it is/ },
    invariant: 'an exit that is due is sent',
  },
  {
    name: 'miss ticks that come late',
    file: 'db/routines/market/count_ticks.sql',
    find: 'do update set ticks = c.ticks + excluded.ticks',
    replace: 'do nothing',
    test: { file: 'db/rules/late_rows', title: /counts in the session’s VWAP/ },
    invariant: 'what came late is in the periods from then on',
  },
  {
    name: 'leave the ticks of an overlapping file uncounted',
    file: 'db/bulk_copy.ts',
    find: '    counts.addAll(buffer.counts);',
    replace: '    if (fresh === rows) counts.addAll(buffer.counts);',
    test: { file: 'db/import', title: /adds only the new rows of a file that overlaps/ },
    invariant: 'what came late is in the periods from then on',
  },
  {
    name: 'no stop at the broker',
    file: 'db/routines/trade/walk.sql',
    find: 'v_has_work := trade.protect_positions(p_run, p_strategy, v_slots, p_to);',
    replace: 'v_has_work := false;',
    test: seeds,
    invariant: 'every position has an armed exit',
  },
  {
    name: 'leave the stop as it is when a fill comes late',
    file: 'db/routines/trade/protect_positions.sql',
    find: 'if v_stop.rest_qty <> s.qty - s.closed_qty and not v_stop.is_canceling then',
    replace: 'if v_stop.rest_qty < 0 and not v_stop.is_canceling then',
    test: {
      file: 'db/rules/broker_protection',
      title: /is replaced by one of the right size when a fill of the entry comes late/,
    },
    invariant: 'every position has an armed exit',
  },
];

const RECONCILING: readonly Bug[] = [
  {
    name: 'ignore partial fills',
    file: 'jobs/orders/settle.ts',
    find: 'for (const fill of inOrder(report.fills))',
    replace: `for (const fill of inOrder(report.state === 'filled' ? report.fills : []))`,
    test: seeds,
    invariant: 'broker ledger = our fills|every position has an armed exit',
  },
  {
    name: 'ignore fills behind a cancel',
    file: 'db/routines/trade/open_orders.sql',
    find: 'not o.is_over or o.venue_order_id is not null',
    replace: 'not o.is_over',
    test: seeds,
    invariant: 'broker ledger = our fills|every position has an armed exit',
  },
  {
    name: 'count an execution as often as it is told',
    file: 'jobs/orders/broker_reads.ts',
    find: 'return fills.size === report.fills.length ? report : { ...report, fills: [...fills.values()] };',
    replace: 'return fills.size < 0 ? { ...report, fills: [...fills.values()] } : report;',
    test: seeds,
    invariant:
      'the same message twice changes nothing|broker ledger = our fills|everything comes to rest|every position has an armed exit',
  },
  {
    name: 'give an order of unknown fate up at the first look',
    file: 'jobs/orders/probe.ts',
    find: 'if (probe.missedAt !== null && now >= verdictAt) return null;',
    replace: 'if (now >= missedAt) return null;',
    test: reconcile(/that the broker shows late is waited for/),
    invariant: 'only two looks apart prove that an order is not there',
  },
  {
    name: 'adopt an order that is another’s',
    file: 'jobs/orders/fingerprint.ts',
    find: 'reports.filter((report) => !known.has(report.venueOrderId))',
    replace: 'reports.filter((report) => known.size >= 0 && report.venueOrderId !== null)',
    test: { file: 'jobs/orders/fingerprint', title: /leaves out what is attributed already/ },
    invariant: 'every order at the broker is one intent’s',
  },
  {
    name: 'guess between two orders that look alike',
    file: 'jobs/orders/fingerprint.ts',
    find: 'if (matches.length > rivals.length) {',
    replace: 'if (matches.length < 0) {',
    test: reconcile(/that may be either of two is left to people/),
    invariant: 'what cannot be told apart is left to people',
  },
  {
    name: 'let what an exit waits for wait for the reads of the next minute',
    file: 'jobs/orders/pass.ts',
    find: 'if (awaited.length === 0 || !canLook(parts))',
    replace: 'if (awaited.length === 0 || budget.waitMs() > 0)',
    test: reconcile(/that an exit waits for is read though the requests of this minute are spent/),
    invariant: 'other reads cannot keep an exit waiting',
  },
  {
    name: 'let what an exit waits for wait for a list that does not come',
    file: 'jobs/orders/pass.ts',
    find: 'if (canLook(parts)) await settleAwaited(',
    replace: 'if (parts.memory === null) await settleAwaited(',
    test: reconcile(/that an exit waits for is read while an answer about the orders stays away/),
    invariant: 'other reads cannot keep an exit waiting',
  },
  {
    name: 'never mind positions that differ',
    file: 'jobs/orders/held_positions.ts',
    find: 'if (differences.length === 0) return',
    replace: 'if (differences.length >= 0) return',
    test: reconcile(/that somebody else has opened bar entries at once/),
    invariant: 'broker positions = our positions',
  },
];

const SPREADS: readonly Bug[] = [
  {
    name: 'take a spread of which one leg is open for flat',
    file: 'db/routines/trade/load_position.sql',
    find: 'case when v_legs.most_open > 0 then v_legs.most_open else v_legs.least_open end',
    replace: 'v_legs.least_open',
    test: spreads(/is told to people when it stays so/),
    invariant: 'every position has an armed exit',
  },
  {
    name: 'never mind a spread that fills in one leg only',
    file: 'jobs/orders/pass.ts',
    find: 'await noteUneven(order, uneven, parts);',
    replace: 'await noteUneven(order, uneven === null ? uneven : null, parts);',
    test: spreads(/is told to people when it stays so/),
    invariant: 'half a spread halts entries',
  },
  {
    name: 'close as a spread what only one leg has open',
    file: 'db/routines/trade/account_orders.sql',
    find: 'min(y.open_qty)::integer as open_qty',
    replace: 'max(y.open_qty)::integer as open_qty',
    test: spreads(/is not closed as a spread, though its entry has ended/),
    invariant: 'no exit above what is open',
  },
  {
    name: 'take a spread for filled when one leg is',
    file: 'jobs/orders/settle.ts',
    find: 'const filled = Math.min(...filledByLeg(report.order.legs.length, report.fills));',
    replace: 'const filled = Math.max(...filledByLeg(report.order.legs.length, report.fills));',
    test: { file: 'jobs/orders/settle', title: /is filled when every leg is/ },
    invariant: 'filled is what the fills add up to',
  },
  {
    name: 'send a spread before its preview is stored',
    file: 'jobs/brokers/tradier/orders.ts',
    find: 'if (preview !== undefined) await onPreview?.(preview);',
    replace: 'if (preview !== undefined) void onPreview?.(preview).catch(() => undefined);',
    test: { file: 'jobs/brokers/tradier/orders', title: /one whose preview is not answered is not sent/ },
    invariant: 'what the broker said before is stored before the order leaves',
  },
];

const ADAPTING: readonly Bug[] = [
  {
    name: 'count a replaced order as filled',
    file: 'jobs/brokers/schwab/order_report.ts',
    find: `  REPLACED: 'replaced',`,
    replace: `  REPLACED: 'filled',`,
    test: { file: 'jobs/brokers/schwab/contract', title: /is a new order, and the old one is at its end/ },
    invariant: 'only fills are fills',
  },
  {
    name: 'count a cancel’s activity as a fill',
    file: 'jobs/brokers/schwab/order_fills.ts',
    find: `activity.executionType === 'FILL' ?`,
    replace: `activity.executionType !== '' ?`,
    test: { file: 'jobs/brokers/schwab/order_report', title: /./ },
    invariant: 'only fills are fills',
  },
  {
    name: 'take a server error for a reject',
    file: 'jobs/brokers/schwab/outcomes.ts',
    find: `if (refusal !== null) return { kind: 'rejected', reason: refusal };
  return { kind: 'unknown',`,
    replace: `if (refusal !== null) return { kind: 'rejected', reason: refusal };
  return { kind: 'rejected',`,
    test: { file: 'jobs/brokers/schwab/contract', title: /is answered with a server error/ },
    invariant: 'what leaves it open is unknown',
  },
  {
    name: 'believe any id in Location',
    file: 'jobs/brokers/schwab/orders.ts',
    find: 'const problem = await compare(id, placing, options);',
    replace: 'const problem = id === "" ? await compare(id, placing, options) : null;',
    test: { file: 'jobs/brokers/schwab/submit', title: /an id that is not believed/ },
    invariant: 'an id counts when the order behind it is ours',
  },
];

const INGESTING: readonly Bug[] = [
  {
    name: 'drop the second of two equal quotes',
    file: 'ingest/massive/scan_quotes.ts',
    find: 'columns.seq[n] = seq;',
    replace: 'columns.seq[n] = Math.min(seq, 0);',
    test: { file: 'db/ingest/misbehaviour', title: /events in disorder/ },
    invariant: 'rows in the database = frames sent',
  },
  {
    name: 'move the mark before the rows are stored',
    file: 'ingest/stream_writer.ts',
    find: 'const sent = ',
    replace: 'await client.query(mark);\n      const sent = ',
    test: { file: 'db/ingest/marks', title: /when ingesters and server are killed/ },
    needsBuild: true,
    invariant: 'a mark speaks for rows that are stored',
  },
  {
    name: 'drop a batch that repeats a row',
    file: 'ingest/stream_writer.ts',
    find: `UNIQUE_VIOLATION) throw error;
    return null;`,
    replace: `UNIQUE_VIOLATION) throw error;
    return { inserted: 0, duplicate: inserted };`,
    test: { file: 'db/ingest/misbehaviour', title: /that come twice/ },
    invariant: 'rows in the database = frames sent',
  },
  {
    name: 'keep no gap of a lost connection',
    file: 'ingest/stream_gaps.ts',
    find: `else if (change.state === 'disconnected' || change.state === 'failed') open('disconnect', change);`,
    replace: '',
    test: { file: 'db/ingest/gaps', title: /leaves a gap that bars entries/ },
    invariant: 'what was missed is known and filled',
  },
  {
    name: 'fill a gap without what lies around it',
    file: 'ingest/backfill.ts',
    find: 'from: addMs(gap.from, -MARGIN_MS)',
    replace: 'from: gap.from',
    test: { file: 'db/ingest/gaps', title: /gets back what was late when it was dropped/ },
    invariant: 'what was missed is known and filled',
  },
  {
    name: 'keep no gap where nobody was connected at the open',
    file: 'ingest/stream_gaps.ts',
    find: 'if (isAway) open(',
    replace: 'if (isAway && lasts) open(',
    test: { file: 'db/ingest/gaps', title: /has a gap from then on, which REST fills/ },
    invariant: 'what was missed is known and filled',
  },
  {
    name: 'begin a gap behind what was received and not stored',
    file: 'ingest/gap_ledger.ts',
    find: 'if (isKnown) await writer.query(REACH_BACK_SQL',
    replace: 'if (mark === range.to) await writer.query(REACH_BACK_SQL',
    test: { file: 'db/ingest/ledger', title: /goes on with such a gap from the last mark/ },
    invariant: 'what was missed is known and filled',
  },
  {
    name: 'go on behind a batch that could not be stored',
    file: 'ingest/stream_pump.ts',
    find: 'if (failure !== null) throw failure.error;',
    replace: '',
    test: { file: 'db/stream_pump', title: /is followed by none/ },
    invariant: 'a mark speaks for rows that are stored',
  },
  {
    name: 'enter on a feed with a gap',
    file: 'db/routines/ops/feed_bar.sql',
    find: `    return 'feed_gap';`,
    replace: '    return null;',
    test: { file: 'db/ingest/ledger', title: /are barred from when a gap is known/ },
    invariant: 'no entry on stale quotes',
  },
  {
    name: 'lose the frames of a full memory',
    file: 'ingest/spool.ts',
    find: 'if (bytesOf(segments) + pendingBytes + size > maxBytes) return onLoss(ts_recv, ts_recv);',
    replace: 'if (bytesOf(segments) + pendingBytes + size > maxBytes) return;',
    test: { file: 'ingest/spool', title: /takes no more than it may, and says what it did not take/ },
    invariant: 'nothing is lost without a gap that says so',
  },
];

export const BUGS: readonly Bug[] = [
  ...SENDING,
  ...DECIDING,
  ...RECONCILING,
  ...SPREADS,
  ...ADAPTING,
  ...INGESTING,
];
