import type { RtmpExtension, StreamRequest } from '#ingest/rtmp/extension.ts'
import { type StreamTarget, splitQuery } from '#ingest/rtmp/stream-name.ts'
import { pathOf, pathOfName } from './stream-path.ts'

/** Lets publishers over RTMP choose any name. */
export const RTMP_NAMES: RtmpExtension = { target: harmlessTarget }

/** Undefined: the name is fine as it is, or empty. */
function harmlessTarget({ app, instance, query, name: asSent }: StreamRequest): StreamTarget | undefined {
  const [name, nameQuery] = splitQuery(asSent)
  const application = [app, instance].filter((part) => part !== '').join('/')
  if (pathOf(`${application}/${name}`) !== undefined) return undefined
  const path = pathOfName(application, name)
  return path === undefined
    ? undefined
    : { path, query: { ...query, ...Object.fromEntries(new URLSearchParams(nameQuery)) } }
}
