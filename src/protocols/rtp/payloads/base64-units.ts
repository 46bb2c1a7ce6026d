/** Parameter sets as session descriptions list them: base64, separated by commas. What is no base64 is left out. */
export function base64Units(text: string | undefined): Uint8Array[] {
  if (text === undefined) return []
  return text
    .split(',')
    .map((unit) => new Uint8Array(Buffer.from(unit.trim(), 'base64')))
    .filter((unit) => unit.length > 1)
}
