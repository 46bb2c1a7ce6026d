import { ConnectionError } from './errors.ts'

const ANYWHERE =
  'The server answered, but no media came through. Its UDP port must be reachable from here (webrtc.udp, webrtc.advertise).'
const ONLY_LOOPBACK =
  'The server takes media only at 127.0.0.1, where Firefox never sends any. Have it listen at an address of its network, as by webrtc.udp: 0.0.0.0:8189, or take another browser.'

/** Why nothing came through, as far as the server's answer and the browser's name tell. */
export function notThrough(answer: string, userAgent: string): ConnectionError {
  const isHopeless = userAgent.includes('Firefox/') && isOnlyLoopback(answer)
  return new ConnectionError('client/connection-failed', isHopeless ? ONLY_LOOPBACK : ANYWHERE)
}

/** Fifth of a candidate's fields. RFC 8839 §5.1. */
function isOnlyLoopback(answer: string): boolean {
  const addresses = [...answer.matchAll(/^a=candidate:(?:\S+ ){4}(\S+) /gm)].map(([, address = '']) => address)
  return addresses.length > 0 && addresses.every((address) => address.startsWith('127.') || address === '::1')
}
