import { cpus, totalmem } from 'node:os';
import { benchClaims } from './claims.ts';
import { benchCleanClone } from './clean-clone.ts';
import { benchExternal } from './external.ts';
import { benchForwarded } from './forwarded.ts';
import { benchFreshness } from './freshness.ts';
import { benchGrowth, benchSoak } from './growth.ts';
import { benchL3, benchL3Outage } from './l3.ts';
import { benchMainJob } from './main-job.ts';
import { benchMemory } from './memory.ts';
import { benchPackets } from './packets.ts';
import { benchPeers } from './peers.ts';
import { benchProfile } from './profile.ts';
import { benchRolling } from './rolling.ts';
import { benchUpdater } from './updater.ts';

// `npm run bench` prints Markdown; what is worth keeping is copied into bench/RESULTS.md with the machine's line.
const sections: readonly (readonly [title: string, run: () => Promise<string>])[] = [
  ['Main job', benchMainJob],
  ['Peers', benchPeers],
  ['Memory', benchMemory],
  ['By route', benchL3],
  ['Ten-minute outage', benchL3Outage],
  ['By proxy', benchUpdater],
  ['By proxy, both halves', benchExternal],
  ['Freshness under load', benchFreshness],
  ['Claims', benchClaims],
  ['Growth', benchGrowth],
  ['Soak', benchSoak],
  ['Profile', benchProfile],
  ['Clean clone', benchCleanClone],
  ['Forwarded', benchForwarded],
  ['Hostile packets', benchPackets],
  ['Rolling restart', benchRolling],
];

const wanted = process.argv.slice(2);
console.log(`Machine: ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Bun ${Bun.version}\n`);
for (const [title, run] of sections) {
  if (wanted.length > 0 && !wanted.some((word) => title.toLowerCase().includes(word.toLowerCase()))) continue;
  console.log(`## ${title}\n\n${await run()}\n`);
}
