/** The vendor's error numbers that occur here; those of keys are in keys/verify.ts. spec section 5.1. */
export const AgoraErrorNumber = {
  ok: 0,
  failed: 1,
  invalidArgument: 2,
  invalidVendorKey: 101,
  invalidChannelName: 102,
  timedOut: 109,
  invalidKey: 110,
  invalidUid: 117,
  expired: 118,
  staticVendorUsedDynamicKey: 119,
  dynamicVendorUsedStaticKey: 120,
} as const
export type AgoraErrorNumber = (typeof AgoraErrorNumber)[keyof typeof AgoraErrorNumber]

/** What each number means, for whoever reads an answer. */
export const ERROR_TEXTS: Readonly<Record<AgoraErrorNumber, string>> = {
  0: 'ok',
  1: 'it failed here: the log says why',
  2: 'invalid argument',
  101: "the key is of another vendor key than facades.agora.vendorKey: make it with this server's",
  102: 'invalid channel name: 1 to 64 characters of those the vendor allows',
  109: 'the key was made more than a day ago, or in the future: make a new one',
  110: 'the key is no recording key for this channel and uid: make one with generateRecordingKey',
  117: 'invalid uid: a whole number from 0 to 4294967295',
  118: 'the key has expired: make a new one',
  119: 'this server knows no sign key, so the vendor key itself is the key',
  120: 'this server has a sign key: make a recording key with it',
}

/** Statuses by spec section 5.3. */
export function statusOfError(error: AgoraErrorNumber): number {
  switch (error) {
    case 0:
      return 200
    case 1:
      return 500
    case 2:
    case 102:
    case 117:
      return 400
    default:
      return 403
  }
}
