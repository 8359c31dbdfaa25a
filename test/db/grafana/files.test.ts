// The generated files: current, and free of what Grafana would not take or would show wrongly.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { projectPath } from '../../../core/root.ts';
import { ALARMS, alertRules, contactPoints, notificationPolicies, ruleUid } from '../../../grafana/alerts.ts';
import { dashboards, generatedFiles } from '../../../grafana/files.ts';
import { expandMacros, shortInterval } from '../../../grafana/macros.ts';
import { DATASOURCE, type Panel } from '../../../grafana/model.ts';
import { queriesOf, withVariables } from '../../../grafana/queries.ts';

const RANGE = {
  from: new Date('2026-11-19T14:00:00Z'),
  to: new Date('2026-11-19T22:00:00.123Z'),
  intervalMs: 90_000,
};

describe('the macro expander', () => {
  // From Grafana 7.5.5, and its source since.
  it.each([
    ['$__timeFilter(ts)', "ts BETWEEN '2026-11-19T14:00:00Z' AND '2026-11-19T22:00:00.123Z'"],
    ['$__timeFrom()', "'2026-11-19T14:00:00Z'"],
    ['$__unixEpochFilter(5)', '5 >= 1795096800 AND 5 <= 1795125600'],
    ["$__timeGroup(ts,'5m') as t", 'floor(extract(epoch from ts)/300)*300 as t'],
    ["$__timeGroupAlias(ts, '1h30m')", 'floor(extract(epoch from ts)/5400)*5400 AS "time"'],
    ['$__interval $__interval_ms', '1m 90000'],
  ])('makes of %s what Grafana does', (sql, expanded) => expect(expandMacros(sql, RANGE)).toBe(expanded));

  it('uses time_bucket where the switch is on, refuses macros that Grafana does not know', () => {
    const timescale = { ...RANGE, isTimescale: true };
    expect(expandMacros("$__timeGroup(ts,'500ms')", timescale)).toBe("time_bucket('0.500s',ts)");
    expect(() => expandMacros('$__foo(1)', RANGE)).toThrow('unknown macro "__foo"');
  });

  it('shortens intervals', () => {
    const texts = [5, 999, 1000, 59_999, 90_000, 7_200_000, 86_400_000, 400 * 86_400_000].map(shortInterval);
    expect(texts).toEqual(['5ms', '999ms', '1s', '59s', '1m', '2h', '1d', '1y']);
  });
});

describe('the generated files', () => {
  it('are what `npm run grafana` would write', () => {
    for (const { path, text } of generatedFiles()) {
      expect(readFileSync(projectPath('grafana', path), 'utf8'), path).toBe(text);
    }
  });

  it('hold no secret, only names of variables of the environment', () => {
    const texts = generatedFiles().filter(({ path }) => /datasources|contact/.test(path));
    for (const { text } of texts) {
      for (const [, value] of text.matchAll(/(?:password|bottoken|chatid|url): "([^"]*)"/g)) {
        expect(value).toMatch(/^\$[A-Z_]+$/);
      }
    }
  });
});

describe('dashboards', () => {
  const pages = dashboards();
  const panels = pages.flatMap((page) => page.panels.map((panel) => ({ page: page.uid, panel })));

  it('have uids and titles of their own, and the classic model', () => {
    expect(new Set(pages.map(({ uid }) => uid)).size).toBe(pages.length);
    expect(new Set(pages.map(({ title }) => title)).size).toBe(pages.length);
    for (const page of pages) {
      expect(page).toMatchObject({ schemaVersion: 42, timezone: 'America/New_York', editable: false });
      expect(page).not.toHaveProperty('id');
    }
  });

  it('keep the ids of their panels: links and alert rules point at them', () => {
    for (const page of pages) {
      const ids = page.panels.map(({ id }) => id).sort((a, b) => a - b);
      expect(ids, page.uid).toEqual(ids.map((_, index) => index + 1));
    }
  });

  it('lay panels out on the grid, none over another', () => {
    for (const page of pages) {
      const cells = new Set<string>();
      for (const { gridPos, title } of page.panels) {
        const { x, y, w, h } = gridPos;
        expect(x + w, title).toBeLessThanOrEqual(24);
        for (let column = x; column < x + w; column += 1)
          for (let row = y; row < y + h; row += 1) {
            expect(cells.has(`${column} ${row}`), `${page.uid}: ${title}`).toBe(false);
            cells.add(`${column} ${row}`);
          }
      }
    }
  });

  it('say in every panel what it shows, where from, and what an empty one means', () => {
    for (const { page, panel } of panels) {
      expect(panel.description, `${page} ${panel.title}`).toMatch(/Source: panel\./);
      expect(panel.fieldConfig.defaults.noValue, `${page} ${panel.title}`).toMatch(/\w/);
    }
  });

  it('state a unit wherever numbers are drawn or stand in tiles', () => {
    const isNumeric = ({ type, options }: Panel): boolean =>
      type !== 'table' && type !== 'state-timeline' && (options.textMode !== 'value' || type !== 'stat');
    for (const { page, panel } of panels.filter((each) => isNumeric(each.panel))) {
      const units = [
        panel.fieldConfig.defaults,
        ...panel.fieldConfig.overrides.flatMap(({ properties }) => properties),
      ];
      const hasUnit = units.some((each) => 'unit' in each || ('id' in each && each.id === 'unit'));
      expect(hasUnit, `${page} ${panel.title}`).toBe(true);
    }
  });

  it('ask one data source, written in one way', () => {
    const found = JSON.stringify(pages).match(/"datasource":\{[^}]*\}/g) ?? [];
    expect(new Set(found)).toEqual(new Set([`"datasource":${JSON.stringify(DATASOURCE)}`]));
  });

  it('link to pages that there are', () => {
    const uids = new Set(pages.map(({ uid }) => uid));
    const links = [...JSON.stringify(pages).matchAll(/"\/d\/([\w-]+)/g)].map(([, uid]) => uid ?? '');
    expect(links.length).toBeGreaterThan(5);
    for (const uid of links) expect(uids).toContain(uid);
  });
});

describe('queries', () => {
  const all = dashboards().flatMap((page) => queriesOf(page).map((query) => ({ page, query })));

  it('select from schema panel alone, by names that say so', () => {
    for (const { query } of all) {
      const ctes = new Set(
        [...query.sql.matchAll(/(?:with|,|\))\s+(\w+)(?: \([^)]*\))? as (?:materialized )?\(/g)].map(
          ([, name]) => name,
        ),
      );
      for (const [, source = ''] of query.sql.matchAll(/\b(?:from|join)\s+(?:lateral\s+)?([a-z_][\w.]*)/g)) {
        const isKnown =
          source.startsWith('panel.') || ctes.has(source) || ['generate_series', 'lateral'].includes(source);
        // extract(epoch from x), distinct from: no sources.
        const isWord = /^(?:t|p|s|d|q|m|n|o|g|r|x|h|e)\.|^(?:least|ref\.)/.test(source);
        expect(isKnown || isWord, `${query.page} ${query.name}: ${source}`).toBe(true);
      }
    }
  });

  it('use variables that their page has, and macros that take no brackets', () => {
    for (const { page, query } of all) {
      const names = Object.fromEntries(page.templating.list.map(({ name }) => [name, '1']));
      const rest = expandMacros(withVariables(query.sql, names), RANGE);
      expect(rest, `${query.page} ${query.name}`).not.toMatch(/\$/);
      expect(query.sql).not.toMatch(/\$__timeFilter|\$__timeGroup/);
    }
  });
});

describe('alerting', () => {
  it('has a rule for every alarm, at a panel that there is', () => {
    const { groups } = alertRules() as unknown as {
      groups: {
        rules: {
          uid: string;
          dashboardUid: string;
          panelId: number;
          condition: string;
          data: { refId: string }[];
        }[];
      }[];
    };
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.map(({ uid }) => uid)).toEqual(ALARMS.map(({ name }) => ruleUid(name)));
    for (const { uid, dashboardUid, panelId, condition, data } of rules) {
      expect(uid).toMatch(/^[\w-]{1,40}$/);
      const page = dashboards().find((each) => each.uid === dashboardUid);
      expect(page?.panels.find(({ id }) => id === panelId)?.title).toBe('Alarms');
      expect(data.map(({ refId }) => refId)).toContain(condition);
    }
  });

  it('sends to the contact point that it provides, and says nothing that Grafana would take for a variable', () => {
    const points = contactPoints() as unknown as { contactPoints: { name: string }[] };
    expect(JSON.stringify(notificationPolicies())).toContain(points.contactPoints[0]?.name);
    const { groups } = alertRules() as unknown as {
      groups: { rules: { title: string; labels: object }[] }[];
    };
    for (const { title, labels } of groups.flatMap((group) => group.rules))
      expect(`${title} ${JSON.stringify(labels)}`).not.toMatch(/\$/);
  });
});
