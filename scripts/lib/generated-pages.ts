import { renderDoctorPage } from '../../src/core/doctor/catalogue.ts';
import { renderApiPage } from '../../src/core/page/api-schema.ts';
import { renderFlagsPage } from '../../src/core/settings/help.ts';
import { renderEventsPage } from '../../src/core/value/notice-table.ts';
import { commands, settings } from '../../src/settings.ts';
import { renderMetricsPage } from '../../src/shell/telemetry/metrics-table.ts';
import { chartFiles, kustomizeBases } from './manifest-copies.ts';

/** Files that are written from declarations, by path. */
export function generatedPages(): Readonly<Record<string, string>> {
  return {
    'docs/doctor.md': renderDoctorPage(),
    'docs/flags.md': renderFlagsPage(commands, settings),
    'docs/api.md': renderApiPage(),
    'docs/events.md': renderEventsPage(),
    'docs/metrics.md': renderMetricsPage(),
    ...chartFiles(),
    ...kustomizeBases(),
  };
}
