import { byId, copyButton, get, make } from './dom.js';

/** @typedef {import('../../../core/page/api-schema.ts').SectionReport} Section */
/** @typedef {import('../../../core/page/api-schema.ts').Row} Row */
/** @typedef {import('../../../core/value/report.ts').NameReport} NameReport */

/** Rows that say more, by key. @type {Map<string, HTMLTableRowElement>} */
const whyRows = new Map();

/** Forgets which rows say more. */
export function closeRows() {
  whyRows.clear();
}

/** Rows that stay keep their elements, and with them focus and selection. @param {Section} section @param {readonly Row[]} items @param {() => void} again */
export function showRows(section, items, again) {
  const body = byId('rows');
  const before = new Map([...body.querySelectorAll('tr[data-key]')].map((row) => [row.getAttribute('data-key') ?? '', row]));
  const fresh = before.size === 0;
  /** @type {Node[]} */
  const rows = [];
  for (const item of items) {
    const key = section.identity.map((field) => String(item[field])).join('\n');
    const known = before.get(key);
    const row = known ?? make('tr', { role: 'row', 'data-key': key }, []);
    const text = JSON.stringify(item);
    if (row.getAttribute('data-text') !== text) {
      row.setAttribute('data-text', text);
      fillRow(/** @type {HTMLTableRowElement} */ (row), section, item, key, again);
      if (!fresh) flash(row);
    }
    rows.push(row);
    const why = whyRows.get(key);
    if (!why) continue;
    rows.push(why);
    void fillWhy(/** @type {HTMLElement} */ (why.querySelector('div')), String(item[section.identity[0] ?? '']));
  }
  const now = [...body.childNodes];
  if (now.length === rows.length && rows.every((row, i) => row === now[i])) return;
  const focused = document.activeElement;
  body.replaceChildren(...rows);
  if (focused instanceof HTMLElement && body.contains(focused)) focused.focus({ preventScroll: true });
}

/** @param {Element} row */
function flash(row) {
  row.classList.remove('changed');
  // The animation begins again only after the browser has seen the row without it.
  requestAnimationFrame(() => row.classList.add('changed'));
}

/** @param {HTMLTableRowElement} row @param {Section} section @param {Row} item @param {string} key @param {() => void} again */
function fillRow(row, section, item, key, again) {
  section.columns.forEach((column, at) => {
    const value = item[column.key] ?? '';
    const cell = row.cells[at] ?? row.insertCell();
    cell.className = column.kind === 'name' ? 'name' : '';
    cell.setAttribute('role', 'cell');
    cell.dataset['title'] = column.title;
    if (column.kind === 'state') cell.replaceChildren(make('span', { class: `state ${item['level']}` }, [String(value)]));
    else if (Array.isArray(value)) cell.replaceChildren(addressList(value, Number(item['addressCount'] ?? value.length)));
    else if (column.kind === 'name' && section.explained) nameCell(cell, String(value), key, again, section.columns.length);
    else if (cell.textContent !== String(value)) cell.textContent = String(value);
  });
}

/** @param {HTMLTableCellElement} cell @param {string} name @param {string} key @param {() => void} again @param {number} columns */
function nameCell(cell, name, key, again, columns) {
  if (cell.querySelector('button')) return;
  const button = make('button', { type: 'button', class: 'more', 'aria-expanded': String(whyRows.has(key)) }, [name]);
  button.addEventListener('click', () => {
    if (!whyRows.delete(key)) whyRows.set(key, makeWhyRow(columns));
    button.setAttribute('aria-expanded', String(whyRows.has(key)));
    again();
  });
  cell.replaceChildren(button);
}

/** @param {readonly string[]} items @param {number} count */
function addressList(items, count) {
  const more = count > items.length ? [make('span', {}, [`and ${count - items.length} more`])] : [];
  return make('div', { class: 'list' }, [...items.map((item) => make('code', {}, [item])), ...more]);
}

/** The row below one that is open: why it is so. @param {number} columns */
function makeWhyRow(columns) {
  const box = make('div', {}, ['looking…']);
  return make('tr', { role: 'row', class: 'why' }, [make('td', { role: 'cell', colspan: String(columns) }, [box])]);
}

/** @param {HTMLElement} box @param {string} name */
async function fillWhy(box, name) {
  // A wildcard stands for what it covers.
  const asked = name.replace(/^\*\./, 'any.');
  try {
    const report = /** @type {NameReport} */ (await get(`api/v1/names/${encodeURIComponent(asked)}`));
    const text = JSON.stringify(report);
    if (box.dataset['text'] === text) return;
    box.dataset['text'] = text;
    const records = report.answers.flatMap((answer) => answer.records.map((record) => `${answer.name} ${record}`));
    const notes = report.notes.map((note) => make('li', { class: note.level === 'trouble' ? 'trouble' : '' }, [note.text]));
    const copies = [copyButton('Copy the name', name), ...(records.length > 0 ? [copyButton('Copy the records', records.join('\n'))] : [])];
    box.replaceChildren(make('p', {}, [report.summary]), make('ul', {}, notes), make('div', { class: 'pager' }, copies));
  } catch {
    if (box.dataset['text'] === undefined) box.textContent = 'No answer; it is tried again.';
  }
}
