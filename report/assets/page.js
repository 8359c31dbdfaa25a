// The charts of a report. Times are Eastern wall clock counted as UTC, so UTC is what the axes print.
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const $ = (id) => document.getElementById(id);
  const utc = (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'UTC');
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const money = (e4) =>
    e4 == null
      ? '–'
      : (e4 / 10_000).toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const short = (e4) => {
    const dollars = e4 / 10_000;
    if (Math.abs(dollars) >= 1e6) return `${+(dollars / 1e6).toFixed(2)}M`;
    return Math.abs(dollars) >= 1e4 ? `${+(dollars / 1e3).toFixed(1)}k` : dollars.toLocaleString('en-US');
  };
  const sync = uPlot.sync('equity');
  let charts = [];

  // Increment, format, and what stands below it where the year, the day … changes.
  const TIMES = [
    [31_536_000, '{YYYY}', null, null, null, null, null, null, 1],
    [2_419_200, '{YYYY}-{MM}', null, null, null, null, null, null, 1],
    [86_400, '{MM}-{DD}', '\n{YYYY}', null, null, null, null, null, 1],
    [60, '{HH}:{mm}', '\n{YYYY}-{MM}-{DD}', null, '\n{MM}-{DD}', null, null, null, 1],
    [1, '{HH}:{mm}:{ss}', '\n{YYYY}-{MM}-{DD}', null, '\n{MM}-{DD}', null, null, null, 1],
  ];

  const axes = (values, size) => {
    const common = {
      stroke: colour('muted'),
      grid: { stroke: colour('grid'), width: 1 },
      ticks: { show: false },
    };
    return [
      { ...common, values: TIMES },
      { ...common, values: (_, ticks) => ticks.map(values), size },
    ];
  };

  function draw(id, options, columns) {
    const host = $(id);
    host.replaceChildren();
    const width = Math.max(host.clientWidth - 8, 200);
    const chart = new uPlot(
      { width, tzDate: utc, cursor: { y: false, drag: { x: true, y: false } }, ...options },
      columns,
      host,
    );
    charts.push(chart);
    return chart;
  }

  function empty(id, text) {
    const line = document.createElement('p');
    line.className = 'empty';
    line.textContent = text;
    $(id).replaceChildren(line);
  }

  function drawEquity() {
    if (data.trips.length === 0) {
      for (const id of ['equity', 'drawdown']) empty(id, 'No round trips.');
      return;
    }
    const begin = data.trips.reduce((first, [entry]) => Math.min(first, entry), Infinity);
    const ts = [begin];
    const net = [0];
    const high = [0];
    const fall = [0];
    for (const [, exit, , gain] of data.trips) {
      const total = net[net.length - 1] + gain;
      const top = Math.max(high[high.length - 1], total);
      // Of trips that end at one instant only the last sum can stand there.
      if (exit <= ts[ts.length - 1]) for (const list of [ts, net, high, fall]) list.pop();
      ts.push(exit);
      net.push(total);
      high.push(top);
      fall.push(total - top);
    }
    const time = {
      value: (_, at) => (at == null ? '–' : new Date(at * 1000).toISOString().slice(0, 16).replace('T', ' ')),
    };
    const stepped = uPlot.paths.stepped({ align: 1 });
    const cursor = { y: false, drag: { x: true, y: false }, sync: { key: sync.key } };
    const value = (_, e4) => money(e4);
    draw(
      'equity',
      {
        height: 260,
        cursor,
        axes: axes(short, 60),
        series: [
          { label: 'Exit', ...time },
          {
            label: 'Net',
            stroke: colour('equity'),
            width: 2,
            paths: stepped,
            value,
            points: { show: false },
          },
          {
            label: 'High-water',
            stroke: colour('high'),
            width: 1,
            dash: [4, 4],
            paths: stepped,
            value,
            points: { show: false },
          },
        ],
      },
      [ts, net, high],
    );
    draw(
      'drawdown',
      {
        height: 150,
        cursor,
        axes: axes(short, 60),
        series: [
          { label: 'Exit', ...time },
          {
            label: 'Drawdown',
            stroke: colour('bad'),
            fill: `${colour('bad')}33`,
            width: 1,
            paths: stepped,
            value,
            points: { show: false },
          },
        ],
      },
      [ts, fall],
    );
  }

  function drawDaily() {
    if (data.days.length === 0) return empty('daily', 'No sessions.');
    const at = data.days.map((_, i) => i);
    const bars = (label, tone) => ({
      label,
      stroke: colour(tone),
      fill: `${colour(tone)}cc`,
      paths: uPlot.paths.bars({ size: [0.8, 40] }),
      points: { show: false },
      value: (_, e4) => money(e4),
    });
    const [bottom, left] = axes(short, 60);
    const day = (i) => data.days[i]?.[0];
    draw(
      'daily',
      {
        height: 200,
        scales: { x: { time: false, range: [-0.6, data.days.length - 0.4] } },
        axes: [
          {
            ...bottom,
            space: 90,
            incrs: [1, 2, 5, 10, 20, 50, 100, 200],
            values: (_, ticks) => ticks.map((i) => (Number.isInteger(i) ? (day(i) ?? '') : '')),
          },
          left,
        ],
        series: [
          { label: 'Session', value: (_, i) => (i == null ? '–' : (day(i) ?? '')) },
          bars('Won', 'good'),
          bars('Lost', 'bad'),
        ],
      },
      [
        at,
        data.days.map(([, net]) => (net > 0 ? net : null)),
        data.days.map(([, net]) => (net < 0 ? net : null)),
      ],
    );
  }

  function unpacked([date, times, lines]) {
    const whole = (steps) => {
      let last = 0;
      return steps.map((step) => {
        if (step === null) return null;
        last += step;
        return last;
      });
    };
    return {
      date,
      ts: whole(times),
      lines: lines.map((steps) => whole(steps).map((tenths) => (tenths === null ? null : tenths / 1000))),
    };
  }

  let shown = -1;
  let priceChart = null;

  function drawPrice() {
    if (priceChart !== null) charts = charts.filter((chart) => chart !== priceChart);
    priceChart = null;
    if (shown < 0) return empty('price', 'No prices.');
    const { date, ts, lines } = unpacked(data.prices[shown]);
    const trips = data.trips.filter((trip) => trip[2] === date);
    const line = (label, name, width) => ({
      label,
      stroke: colour(name),
      width,
      points: { show: false },
      value: (_, px) => (px == null ? '–' : px.toFixed(3)),
    });
    const time = {
      label: 'Minute',
      value: (_, at) => (at == null ? '–' : new Date(at * 1000).toISOString().slice(11, 16)),
    };
    priceChart = draw(
      'price',
      {
        height: 380,
        axes: axes((px) => px.toFixed(2), 62),
        series: [
          time,
          line('Close', 'price', 1),
          line('VWAP', 'vwap', 1.5),
          line('Session VWAP', 'session', 1),
          line('MA9', 'ma9', 1.5),
        ],
        hooks: { draw: [(chart) => drawTrips(chart, trips, ts, lines[0])] },
      },
      [ts, ...lines],
    );
    $('day-note').textContent =
      trips.length === 0
        ? 'no trade'
        : `${trips.length} ${trips.length === 1 ? 'trade' : 'trades'}, net ${money(trips.reduce((sum, trip) => sum + trip[3], 0))}`;
    $('day').value = String(shown);
    $('earlier').disabled = shown === 0;
    $('later').disabled = shown === data.prices.length - 1;
  }

  function drawTrips(chart, trips, ts, close) {
    const { ctx } = chart;
    const ratio = devicePixelRatio;
    const priceAt = (at) => {
      let found = null;
      for (let i = 0; i < ts.length && ts[i] <= at + 59; i += 1) found = close[i] ?? found;
      return found;
    };
    ctx.save();
    ctx.beginPath();
    ctx.rect(chart.bbox.left, chart.bbox.top, chart.bbox.width, chart.bbox.height);
    ctx.clip();
    for (const [entry, exit, , net, direction] of trips) {
      const [from, to] = [priceAt(entry), priceAt(exit)];
      if (from === null || to === null) continue;
      const [x0, x1] = [chart.valToPos(entry, 'x', true), chart.valToPos(exit, 'x', true)];
      const [y0, y1] = [chart.valToPos(from, 'y', true), chart.valToPos(to, 'y', true)];
      ctx.strokeStyle = ctx.fillStyle = colour(net > 0 ? 'good' : 'bad');
      ctx.globalAlpha = 0.12;
      ctx.fillRect(x0, chart.bbox.top, Math.max(x1 - x0, 1), chart.bbox.height);
      ctx.globalAlpha = 1;
      ctx.lineWidth = 1.5 * ratio;
      ctx.beginPath();
      ctx.moveTo(x0, y0);
      ctx.lineTo(x1, y1);
      ctx.stroke();
      triangle(ctx, { x: x0, y: y0, size: 6 * ratio, isUp: direction !== 'down' });
      ctx.beginPath();
      ctx.arc(x1, y1, 4 * ratio, 0, 2 * Math.PI);
      ctx.fill();
    }
    ctx.restore();
  }

  function triangle(ctx, { x, y, size, isUp }) {
    const tip = isUp ? -size : size;
    ctx.beginPath();
    ctx.moveTo(x, y + tip);
    ctx.lineTo(x - size, y - tip);
    ctx.lineTo(x + size, y - tip);
    ctx.closePath();
    ctx.fill();
  }

  function show(index) {
    shown = Math.min(Math.max(index, 0), data.prices.length - 1);
    drawPrice();
  }

  function fillDays() {
    if (data.prices.length === 0) return;
    const nets = new Map(data.days);
    const traded = new Set(data.trips.map((trip) => trip[2]));
    $('day').replaceChildren(
      ...data.prices.map(([date], index) => {
        const option = document.createElement('option');
        option.value = String(index);
        option.textContent = traded.has(date)
          ? `${date}  ${money(nets.get(date) ?? 0)}`
          : `${date}  no trade`;
        return option;
      }),
    );
    document.querySelector('.controls').hidden = data.prices.length < 2;
    $('day').addEventListener('change', (event) => show(Number(event.target.value)));
    $('earlier').addEventListener('click', () => show(shown - 1));
    $('later').addEventListener('click', () => show(shown + 1));
    // The last session with a trade says more than an empty one.
    shown = data.prices.findLastIndex(([date]) => traded.has(date));
    if (shown < 0) shown = data.prices.length - 1;
  }

  function drawAll() {
    for (const chart of charts) chart.destroy();
    charts = [];
    priceChart = null;
    drawEquity();
    drawDaily();
    drawPrice();
  }

  fillDays();
  drawAll();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
  let width = innerWidth;
  let waiting = 0;
  addEventListener('resize', () => {
    if (innerWidth === width) return;
    width = innerWidth;
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(drawAll);
  });
  document.documentElement.dataset.charts = String(charts.length);
})();
