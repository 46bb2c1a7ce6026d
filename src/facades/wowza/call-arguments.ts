import { type AmfObject, type AmfValue, isAmfObject } from '#media/flv/amf-value.ts'

/** What a call asks for, before anybody has looked at the values. */
export interface CallArguments {
  /** Undefined: the stream the caller publishes itself. */
  readonly streamName: string | undefined
  /** Fields by their lower-case names. */
  readonly options: Readonly<Record<string, AmfValue>>
}

/**
 * Reads all five forms in which clients send `streamName` and options; rtmp-recording.md §4: the first text is the
 * name, and the members of every object count, those of `cmd2` as if they stood beside it. Later objects win.
 * @param args the command object and everything after it
 */
export function readCallArguments(args: readonly AmfValue[]): CallArguments {
  let streamName: string | undefined
  const options: Record<string, AmfValue> = Object.create(null)
  const merge = (object: AmfObject) => {
    for (const [key, value] of Object.entries(object)) {
      const name = key.toLowerCase()
      if (name === 'cmd2') {
        if (isAmfObject(value)) merge(value)
      } else options[name] = value
    }
  }
  for (const value of args) {
    if (typeof value === 'string') streamName ??= value
    else if (isAmfObject(value)) merge(value)
  }
  const { streamname: named, ...others } = options
  return { streamName: streamName ?? (typeof named === 'string' ? named : undefined), options: others }
}
