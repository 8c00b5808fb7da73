import { describe, expect, test } from 'bun:test';
import { haproxy } from './haproxy.ts';
import { nginx } from './nginx.ts';
import { parseNginxText } from './nginx-text.ts';

const stage = { folder: '/s/folder', pidFile: '/s/pid' };
const main = (text: string, folders: readonly string[] = ['/etc/nginx/streams.d'], asRoot = true) =>
  nginx.stageMain({ mainFile: '/etc/nginx/nginx.conf', text, folders, asRoot }, stage);

describe('nginx.conf', () => {
  test.each([
    ['the seed’s line', 'stream {\n    include /etc/nginx/streams.d/*.conf;\n}'],
    ['every file', 'stream { include /etc/nginx/streams.d/*; }'],
    ['a relative path', 'stream { include streams.d/*.conf; }'],
    ['quotes', 'stream { include "/etc/nginx/streams.d/*.conf"; }'],
    ['a path with dots', 'stream { include /etc/nginx/./x/../streams.d/*.conf; }'],
  ])('reads the folder: %s', (_, text) => {
    const staged = main(text);
    expect(staged.ok && staged.value.text).toContain('stream {');
    expect(staged.ok && staged.value.text.replaceAll(/\s+/g, ' ')).toContain('stream { include /s/folder/*.conf; }');
  });

  test('reads the folder under the name that a symbolic link leads to', () => {
    expect(main('stream { include /srv/lb/*.conf; }', ['/etc/nginx/streams.d', '/srv/lb']).ok).toBe(true);
  });

  test.each([
    ['no stream block', 'events {}'],
    ['a stream block without it', 'stream { include /etc/nginx/other/*.conf; }'],
    ['it stands in a comment', 'stream { # include /etc/nginx/streams.d/*.conf;\n }'],
    ['it stands in http', 'http { include /etc/nginx/streams.d/*.conf; }'],
    ['it stands at the top, as the seed’s first version had it', 'include /etc/nginx/streams.d/*.conf;'],
  ])('does not read the folder: %s', (_, text) => {
    expect(main(text)).toMatchObject({
      code: 'no-include',
      detail: '/etc/nginx/nginx.conf lacks the line: stream { include /etc/nginx/streams.d/*.conf; }',
    });
  });

  test('the copy leaves the running nginx’s pid file and log alone, and says where they are', () => {
    const staged = main('pid /run/x.pid;\nerror_log /var/log/x.log notice;\nstream { include streams.d/*.conf; }\nuser www-data;');
    expect(staged).toMatchObject({ ok: true, value: { pidFile: '/run/x.pid', logFile: '/var/log/x.log' } });
    expect(staged.ok && staged.value.text).not.toMatch(/x\.pid|x\.log/);
    expect(staged.ok && staged.value.text).toContain('user www-data;');
  });

  test('not as root, websites are left out of the copy: their keys and logs may not be opened; lines keep their numbers', () => {
    const text = 'http {\n  access_log /var/log/x;\n}\nstream { include streams.d/*.conf; }\nmail { }\n';
    const staged = main(text, undefined, false);
    expect(staged.ok && staged.value.text).toBe('pid /s/pid; error_log stderr; \n\n\nstream { include /s/folder/*.conf; }\n\n');
    const whole = main(text);
    expect(whole.ok && whole.value.text).toContain('access_log /var/log/x;');
  });

  test.each(['stream {', 'a }', '; x', '{ }', 'a "b;', `${'a {'.repeat(40)}`])('what is not nginx’s language is an error: %s', (text) => {
    expect(main(text).ok).toBe(false);
  });
});

test('nginx text: words, quotes, variables, comments and blocks', () => {
  const parsed = parseNginxText(`a b 'c d' "e\\"f"; # x;\nblock $v \${w;x} { inner; }`);
  expect(parsed.ok && parsed.value.map(({ words, block }) => [words, block?.map((each) => each.words)])).toEqual([
    [['a', 'b', 'c d', 'e\\"f'], undefined],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: nginx's own variable
    [['block', '$v', '${w;x}'], [['inner']]],
  ]);
});

describe('HAProxy’s command line', () => {
  test.each([
    ['-f folder', ['haproxy', '-Ws', '-f', '/etc/haproxy/haproxy.cfg', '-f', '/etc/haproxy/minilb.d'], true],
    ['-f folder/', ['haproxy', '-f', '/etc/haproxy/minilb.d/'], true],
    ['after a reload', ['haproxy', '-sf', '12', '-x', 'sockpair@4', '-W', '-f', '/etc/haproxy/minilb.d'], true],
    ['without it', ['haproxy', '-f', '/etc/haproxy/haproxy.cfg'], false],
  ])('%s', (_, argv, reads) => {
    const fault = haproxy.commandLineFault(argv, ['/etc/haproxy/minilb.d']);
    expect(fault === undefined).toBe(reads);
    if (!reads) expect(fault).toContain('add "-f /etc/haproxy/minilb.d" to its command line');
  });
});
