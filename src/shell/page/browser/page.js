import { byId, copyButton, get, inputById, make, setText, spanText, timeText } from './dom.js';
import { closeRows, showRows } from './rows.js';

/** @typedef {import('../../../core/page/api-schema.ts').StatusReport} StatusReport */
/** @typedef {import('../../../core/page/api-schema.ts').SectionReport} Section */
/** @typedef {import('../../../core/page/api-schema.ts').ListReport} ListReport */

const REFRESH_MS = 2000;
const TYPING_MS = 150;

/** What is looked at. `pages` holds where each page up to this one begins. */
const view = { section: '', search: '', only: false, pages: [''], seen: '' };
/** @type {StatusReport | undefined} */
let status;
/** When minilb last answered, by this machine's clock. */
let answeredAt = new Date();
let listing = new AbortController();
/** @type {number | undefined} */
let timer;
let typing = 0;
/** @type {ListReport['texts']} */
let texts = [];

/** Asks how it is, shows it, and comes again. */
async function refresh() {
  clearTimeout(timer);
  try {
    status = /** @type {StatusReport} */ (await get('api/v1/status'));
    answeredAt = new Date();
    showHead(status);
    await showSection(status);
    setText('updated', `Updated ${timeText(answeredAt)}`);
  } catch {
    showBanner('bad', `This page cannot reach minilb. What you see is from ${timeText(answeredAt)}; it is tried again.`);
    showState('trouble', 'no answer');
  }
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(refresh, REFRESH_MS);
}

/** @param {StatusReport} report */
function showHead(report) {
  const { synced, api } = report;
  const since = new Date(synced.at);
  setText('subject', report.subject);
  document.title = `minilb ${report.subject}`;
  if (!synced.done) {
    showState('notice', 'not synced yet');
    showBanner('wait', `minilb does not know the cluster yet. It waits: ${synced.waiting.join('; ') || 'for the first list'}`);
  } else if (!api.answers) {
    const heard = api.heardAt === '' ? '' : ` since ${timeText(new Date(api.heardAt))}`;
    showState('trouble', 'the API server does not answer');
    showBanner('bad', `The API server does not answer${heard}: ${api.detail}. What was known then goes on being served.`);
  } else {
    showState('good', `synced since ${timeText(since)} (${spanText(Date.parse(report.now) - since.getTime())})`);
    showBanner('', '');
  }
  const facts = byId('facts');
  const shown = report.facts.map(({ label, value }) => `${label}\n${value}`).join('\n');
  if (facts.dataset['shown'] !== shown) {
    facts.dataset['shown'] = shown;
    facts.replaceChildren(...report.facts.map(({ label, value }) => make('div', {}, [make('dt', {}, [label]), make('dd', {}, [value])])));
  }
  setText('about', `minilb ${report.role} ${report.version} · ${report.instance} · ${report.cluster}`);
}

/** @param {string} level @param {string} text */
function showState(level, text) {
  byId('state').className = `state ${level}`;
  setText('state', text);
}

/** Only what has changed is put there, so that it is read out once. @param {string} kind @param {string} text */
function showBanner(kind, text) {
  const banner = byId('banner');
  if (banner.textContent === text) return;
  banner.replaceChildren(...(text === '' ? [] : [make('p', { class: kind }, [text])]));
}

/** @param {StatusReport} report */
async function showSection(report) {
  const wanted = location.hash.slice(1);
  const section = report.sections.find(({ id }) => id === wanted) ?? report.sections[0];
  if (!section) return;
  showTabs(report.sections, section);
  if (view.section !== section.id) enter(section);
  const asked = `${section.revision} ${listPath(section)}`;
  if (section.revision !== '' && view.seen === asked) return;
  listing.abort();
  const turn = new AbortController();
  listing = turn;
  try {
    const list = /** @type {ListReport} */ (await get(listPath(section), turn.signal));
    if (turn.signal.aborted) return;
    showList(section, list);
    view.seen = asked;
  } catch (error) {
    if (!turn.signal.aborted) throw error;
  }
}

/** @param {readonly Section[]} sections @param {Section} current */
function showTabs(sections, current) {
  const tabs = byId('tabs');
  const ids = sections.map(({ id }) => id).join();
  if (tabs.dataset['ids'] !== ids) {
    tabs.dataset['ids'] = ids;
    tabs.replaceChildren(...sections.map(({ id, title }) => make('a', { href: `#${id}` }, [title])));
  }
  for (const link of tabs.querySelectorAll('a')) {
    if (link.hash === `#${current.id}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

/** Another part of the page. @param {Section} section */
function enter(section) {
  Object.assign(view, { section: section.id, search: '', only: false, pages: [''], seen: '' });
  closeRows();
  inputById('q').value = '';
  inputById('only').checked = false;
  byId('search').hidden = !section.searchable;
  setText('only-text', section.only);
  inputById('only').parentElement?.toggleAttribute('hidden', section.only === '');
  setText('heading', section.title);
  setText('note', section.note);
  byId('columns').replaceChildren(...section.columns.map(({ title }) => make('th', { role: 'columnheader', scope: 'col' }, [title])));
  byId('rows').replaceChildren();
  byId('texts').hidden = true;
  byId('texts').dataset['shown'] = '';
  byId('table').hidden = true;
  byId('empty').hidden = true;
  byId('pager').hidden = true;
  setText('count', '');
}

/** @param {Section} section */
function listPath({ path, searchable }) {
  if (!searchable) return path.slice(1);
  const query = new URLSearchParams();
  if (view.search !== '') query.set('q', view.search);
  if (view.only) query.set('only', 'trouble');
  const after = view.pages.at(-1) ?? '';
  if (after !== '') query.set('after', after);
  return `${path.slice(1)}?${query}`;
}

/** @param {Section} section @param {ListReport} list */
function showList(section, list) {
  const { items, matched, next } = list;
  // Everything of this page has gone meanwhile.
  if (items.length === 0 && view.pages.length > 1) {
    view.pages = [''];
    void refresh();
    return;
  }
  byId('table').hidden = items.length === 0;
  const filtered = view.search !== '' || view.only;
  byId('empty').hidden = items.length > 0;
  setText('empty', filtered ? 'Nothing matches.' : section.empty);
  if (section.searchable) setText('count', countText(section, matched, items.length));
  showRows(section, items, () => look({ seen: '' }));
  byId('pager').hidden = view.pages.length === 1 && next === '';
  /** @type {HTMLButtonElement} */ (byId('previous')).disabled = view.pages.length === 1;
  /** @type {HTMLButtonElement} */ (byId('next')).disabled = next === '';
  byId('next').dataset['after'] = next;
  texts = list.texts;
  showTexts(texts);
}

/** @param {Section} section @param {number} matched @param {number} shown */
function countText({ title }, matched, shown) {
  const number = matched.toLocaleString('en');
  const what = view.search !== '' || view.only ? `${number} match` : `${number} ${title.toLowerCase()}`;
  return view.pages.length > 1 || shown < matched ? `${what}, page ${view.pages.length}` : what;
}

/** One block to copy, and where there are several a choice of them, which stays. @param {ListReport['texts']} texts */
function showTexts(texts) {
  const box = byId('texts');
  const choice = inputById('choice');
  const chosen = texts.find(({ title }) => title === choice.value) ?? texts[0];
  const shown = JSON.stringify([texts.map(({ title }) => title), chosen]);
  if (box.dataset['shown'] === shown) return;
  box.dataset['shown'] = shown;
  box.hidden = chosen === undefined;
  if (!chosen) return;
  const titles = texts.map(({ title }) => title);
  if (choice.dataset['titles'] !== titles.join('\n')) {
    choice.dataset['titles'] = titles.join('\n');
    choice.replaceChildren(...titles.map((title) => make('option', { value: title }, [title])));
  }
  choice.value = chosen.title;
  byId('copy').replaceChildren(copyButton('Copy', chosen.text, chosen.title));
  byId('lines').setAttribute('aria-label', chosen.title);
  setText('text', chosen.text);
}

/** @param {Partial<typeof view>} change */
function look(change) {
  Object.assign(view, change);
  if (status) void showSection(status).catch(refresh);
}

byId('q').addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(() => look({ search: inputById('q').value.trim(), pages: [''] }), TYPING_MS);
});
byId('only').addEventListener('change', () => look({ only: inputById('only').checked, pages: [''] }));
byId('choice').addEventListener('change', () => showTexts(texts));
byId('search').addEventListener('submit', (event) => event.preventDefault());
byId('next').addEventListener('click', () => look({ pages: [...view.pages, byId('next').dataset['after'] ?? ''] }));
byId('previous').addEventListener('click', () => look({ pages: view.pages.slice(0, -1) }));
document.addEventListener('visibilitychange', () => void refresh());
addEventListener('hashchange', () => look({}));
addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  byId('q').focus();
});
void refresh();
