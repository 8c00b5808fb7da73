const ANSWER_MS_MAX = 10_000;
const COPIED_MS = 1500;

/** @param {string} id */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no ${id}`);
  return element;
}

/**
 * Makes an element. Texts only ever become text: nothing from the cluster is read as markup.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Readonly<Record<string, string>>} attributes
 * @param {readonly (string | Node)[]} children
 */
export function make(tag, attributes, children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** @param {string} id @param {string} text */
export function setText(id, text) {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
}

/** @param {string} id */
export function inputById(id) {
  return /** @type {HTMLInputElement} */ (byId(id));
}

/**
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function get(path, signal) {
  const late = AbortSignal.timeout(ANSWER_MS_MAX);
  const response = await fetch(path, { signal: signal ? AbortSignal.any([signal, late]) : late });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

/** Local time, with the day where that is not today. @param {Date} date */
export function timeText(date) {
  const time = date.toLocaleTimeString('en-GB');
  return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString('en-CA')} ${time}`;
}

/** `3 h 12 min`. @param {number} ms */
export function spanText(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

/** @param {string} label @param {string} text @param {string} [what] */
export function copyButton(label, text, what) {
  const button = make('button', { type: 'button', class: 'copy', ...(what && { 'aria-label': `${label}: ${what}` }) }, [label]);
  button.addEventListener('click', async () => {
    const done = await copy(text);
    button.textContent = done ? 'Copied' : 'Not allowed: select it';
    setText('said', done ? 'Copied' : 'The browser does not let this page copy');
    setTimeout(() => {
      button.textContent = label;
      setText('said', '');
    }, COPIED_MS);
  });
  return button;
}

/** Browsers give the clipboard to localhost and HTTPS alone; elsewhere the old way may do. @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = make('textarea', { class: 'hidden' }, [text]);
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
    return done;
  }
}
