/** What a publish command asks for besides going live. */
export type PublishType = 'live' | 'record' | 'append'

/**
 * Reads the type of NetStream.publish in any case of letters; absent means live. `appendWithGap` appends: the pause is
 * in the ledger, not in the file. Undefined: not a type there is. rtmp-recording.md §1.
 */
export function publishType(sent: string): PublishType | undefined {
  switch (sent.toLowerCase()) {
    case '':
    case 'live':
      return 'live'
    case 'record':
      return 'record'
    case 'append':
    case 'appendwithgap':
      return 'append'
    default:
      return undefined
  }
}
