/** What Metadata.txt says of a channel's recording. spec section 3.1. */
export interface ChannelMetadata {
  readonly version: string
  readonly tag: string
  readonly channel: string
  /** Always empty where the vendor writes it. */
  readonly errorStatus: string
}

/** Name of the file in the channel's directory. */
export const METADATA_FILE = 'Metadata.txt'

/**
 * The file's text, which is not XML: its names contain blanks, nothing is escaped.
 * @param closesErrorStatus ends the fourth line as it was probably meant, instead of as it is printed
 */
export function writeMetadata(channel: string, tag: string, closesErrorStatus: boolean): string {
  const line = tag.replaceAll(/[\r\n\u2028\u2029]+/g, ' ')
  return [
    '<version>1.0</version>',
    `<tag>${line}</tag>`,
    `<channel name>${channel}</channel name>`,
    closesErrorStatus ? '<error status></error status>' : '<error status><status>',
    '',
  ].join('\n')
}

/** Reads both forms of the fourth line. Undefined: it is no such file. */
export function readMetadata(text: string): ChannelMetadata | undefined {
  const form =
    /^<version>(.*)<\/version>\n<tag>(.*)<\/tag>\n<channel name>(.*)<\/channel name>\n<error status>(.*)<\/?(?:error )?status>\n?$/
  const found = form.exec(text.replaceAll('\r\n', '\n'))
  if (found === null) return undefined
  const [, version = '', tag = '', channel = '', errorStatus = ''] = found
  return { version, tag, channel, errorStatus }
}
