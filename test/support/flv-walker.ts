/** One tag of an FLV file, as Adobe FLV 10.1, annex E.3 and E.4 describe it. */
export interface WalkedTag {
  readonly type: number
  readonly timestampMs: number
  readonly body: Buffer
}

/** All tags of a file, by a reader that knows nothing of how Tapedeck writes. @throws {Error} it is not well-formed */
export function walkFlv(file: Buffer): WalkedTag[] {
  if (file.toString('latin1', 0, 3) !== 'FLV') throw new Error('no FLV signature')
  const tags: WalkedTag[] = []
  let at = file.readUInt32BE(5)
  let previousBytes = 0
  for (;;) {
    if (file.readUInt32BE(at) !== previousBytes) throw new Error(`PreviousTagSize at ${at} is wrong`)
    at += 4
    if (at === file.length) return tags
    const bodyBytes = file.readUIntBE(at + 1, 3)
    const timestampMs = file.readUIntBE(at + 4, 3) + file.readUInt8(at + 7) * 0x100_0000
    tags.push({ type: file.readUInt8(at), timestampMs, body: file.subarray(at + 11, at + 11 + bodyBytes) })
    previousBytes = 11 + bodyBytes
    at += previousBytes
  }
}

/** The script tags but the first, which is the file's own description. */
export function dataTags(file: Buffer): WalkedTag[] {
  return walkFlv(file)
    .filter(({ type }) => type === 18 || type === 15)
    .slice(1)
}
