/** What an answer may hold. */
export type XmlValue = string | number | boolean | null | readonly XmlValue[] | { readonly [name: string]: XmlValue }

/** An XML document with an element per field; arrays repeat theirs, null gives an empty one. */
export function xmlDocument(root: string, fields: Readonly<Record<string, XmlValue>>): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element(root, fields)}`
}

function element(name: string, value: XmlValue): string {
  if (Array.isArray(value)) return value.map((each: XmlValue) => element(name, each)).join('')
  if (value === null) return `<${name}/>`
  if (typeof value !== 'object') return `<${name}>${escapeXml(String(value))}</${name}>`
  const content = Object.entries(value).map(([child, each]) => element(child, each))
  return `<${name}>${content.join('')}</${name}>`
}

/** Characters XML can't hold are left out. */
function escapeXml(text: string): string {
  return (
    text
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML 1.0 §2.2 excludes
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
      .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
  )
}
