// The data source and the dashboard provider, as Grafana's provisioning reads them. Values come from Grafana's environment.
import { DATASOURCE, type JsonObject } from './model.ts';

/** Where compose mounts grafana/dashboards. */
export const DASHBOARDS_PATH = '/var/lib/grafana/dashboards';

/** provisioning/datasources/strikebase.yaml. */
export function datasources(): JsonObject {
  return {
    apiVersion: 1,
    prune: true,
    datasources: [
      {
        name: 'Strikebase',
        type: DATASOURCE.type,
        uid: DATASOURCE.uid,
        access: 'proxy',
        url: '$STRIKEBASE_DB_ADDRESS',
        user: '$STRIKEBASE_DB_READER',
        isDefault: true,
        editable: false,
        jsonData: {
          database: '$STRIKEBASE_DB_NAME',
          sslmode: '$STRIKEBASE_DB_SSLMODE',
          postgresVersion: 1500,
          // Only changes what $__timeGroup expands to, which no panel uses: a plain PostgreSQL must do as well.
          timescaledb: false,
          maxOpenConns: 10,
          maxIdleConns: 5,
          maxIdleConnsAuto: false,
          connMaxLifetime: 14400,
          timeInterval: '1s',
        },
        secureJsonData: { password: '$STRIKEBASE_DB_READER_PASSWORD' },
      },
    ],
  };
}

/** provisioning/dashboards/strikebase.yaml. */
export function dashboardProviders(): JsonObject {
  return {
    apiVersion: 1,
    providers: [
      {
        name: 'strikebase',
        orgId: 1,
        type: 'file',
        folder: 'Strikebase',
        folderUid: 'strikebase',
        disableDeletion: false,
        allowUiUpdates: false,
        updateIntervalSeconds: 30,
        options: { path: DASHBOARDS_PATH },
      },
    ],
  };
}
