/** What a publish command asks for besides going live. */
export type PublishType = 'live' | 'record' | 'append' | 'appendWithGap'

/**
 * Reads the type of NetStream.publish in any case of letters; absent means live. Undefined: not a type there is.
 * rtmp-recording.md §1.
 */
export function publishType(sent: string): PublishType | undefined {
  switch (sent.toLowerCase()) {
    case '':
    case 'live':
      return 'live'
    case 'record':
      return 'record'
    case 'append':
      return 'append'
    case 'appendwithgap':
      return 'appendWithGap'
    default:
      return undefined
  }
}
