/** Preloaded into a minilb process by a test: at exit it writes what was loaded, one path a line, to the file in LOADED_MODULES. */
import { writeFileSync } from 'node:fs';

process.on('exit', () => writeFileSync(process.env['LOADED_MODULES'] ?? '', Object.keys(require.cache).join('\n')));
