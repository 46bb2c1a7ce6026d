/**
 * One path component that every file system takes and no listing hides, from text of a stranger. Replaced by `_`: path
 * separators and what Windows and SMB refuse (`< > : " \ | ? *`), control and format characters (which could reverse
 * how a name reads), a leading dot, trailing dots and spaces. Empty text stays empty.
 */
export function safeComponent(text: string): string {
  const safe = text
    .toWellFormed()
    .normalize('NFC')
    .replace(/[<>:"/\\|?*\p{Cc}\p{Cf}\p{Zl}\p{Zp}\uFFFD]/gu, '_')
    .replace(/^[.\s]|[.\s]+$/gu, '_')
  return /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(safe) ? `_${safe}` : safe
}

/** Shortens to a number of characters (code points). */
export function trimToCharacters(text: string, maxCharacters: number): string {
  return [...text].slice(0, maxCharacters).join('')
}
