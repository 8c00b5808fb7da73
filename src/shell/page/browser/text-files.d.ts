// With `type: 'text'` these are texts inside the program.
declare module '*/page.css' {
  const text: string;
  export default text;
}
declare module '*/browser/page.js' {
  const text: string;
  export default text;
}
declare module '*/browser/rows.js' {
  const text: string;
  export default text;
}
declare module '*/browser/dom.js' {
  const text: string;
  export default text;
}
declare module '*/icon.svg' {
  const text: string;
  export default text;
}
