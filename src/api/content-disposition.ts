/**
 * A Content-Disposition that makes a browser save under this name. RFC 6266: a plain form for the old, and RFC 5987's
 * for everything beyond ASCII.
 */
export function attachment(fileName: string): string {
  const plain = fileName.replace(/[^\x20-\x7e]|["\\%]/g, '_')
  return `attachment; filename="${plain}"; filename*=UTF-8''${encodeExtended(fileName)}`
}

/** attr-char of RFC 5987 §3.2.1 as it is, every other byte as %XX. */
function encodeExtended(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
