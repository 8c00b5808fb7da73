import { inspectCluster, inspectMachine } from '../../core/doctor/inspect.ts';
import { type DoctorReport, hasFindings, renderDoctorReport, sortFindings } from '../../core/doctor/report.ts';
import { keyOf } from '../../core/object/raw.ts';
import { createPaint, createProgress, isTerminal } from '../../shell/telemetry/terminal.ts';
import { connect } from '../connect.ts';
import { type ExitCode, giveUp, type RoleContext } from '../role.ts';
import { createLook } from './look.ts';
import { lookAtObjects } from './look-at-objects.ts';
import { lookFromHere } from './look-from-here.ts';

/** `minilb doctor`: 0 when nothing is to be done, 1 with findings, 2 when the cluster could not be looked at. */
export async function run(context: RoleContext<'doctor'>): Promise<ExitCode> {
  const { settings, stdout, stderr, env, signal } = context;
  const cannot = (text: string): ExitCode => {
    giveUp(context, text);
    return 2;
  };
  if (settings.output === 'annotations') return cannot('-o "annotations" belongs to "minilb l3 status"; here it is text or json');
  const client = await connect(context, 'doctor');
  if (!client.ok) return cannot(client.detail);
  const progress = createProgress(stderr, isTerminal(2), env);
  const look = createLook(signal, (text) => progress.show(`looking at ${text} …`), context.log);
  const cluster = await lookAtObjects(client.value, settings, look);
  if (!cluster.ok) {
    progress.clear();
    return cannot(cluster.detail);
  }
  const { facts, running } = cluster.value;
  const machine = settings.fromHere ? await lookFromHere(context, facts, running?.settings.upstreams ?? [], look) : undefined;
  progress.clear();
  if (signal.aborted) return cannot('interrupted');
  const report: DoctorReport = {
    cluster: `${client.value.server} (${client.value.context})`,
    pod: running ? keyOf(running.pod) : '',
    settings: running?.texts ?? [`-domain=${settings.domain}`, `-class=${settings.loadBalancerClass}`],
    findings: sortFindings([...inspectCluster(facts), ...(machine ? inspectMachine(machine, facts) : [])]),
    notLooked: look.notLooked(),
  };
  const paint = createPaint(isTerminal(1), env);
  stdout(settings.output === 'json' ? `${JSON.stringify(report, undefined, 2)}\n` : renderDoctorReport(report, paint));
  return hasFindings(report) ? 1 : 0;
}
