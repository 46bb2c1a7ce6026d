import type { RtpPacket } from '#protocols/rtp/packet.ts'

/** What takes the packets of one source, in order. */
export interface PacketConsumer extends Disposable {
  /**
   * The packet is borrowed.
   * @param lostBefore packets missing before this one
   * @throws {TapedeckError} nothing more can be taken
   */
  push(packet: RtpPacket, lostBefore: number, arrivalMs: number): void
  /** No more packets for now: what is complete goes to the stream, what is missing is told. */
  flush(): void
  /** Called every few tens of milliseconds where packets come out of order. */
  tick(): void
  /** Why nothing of it can be used, if so. */
  readonly unusable: string | undefined
  /** What came is still being worked on: the source's goodbye can wait. */
  readonly isBusy?: boolean
  /** Nothing more comes: resolves when what came is in the stream, or can't be any more. Absent: it is at once. */
  drain?(): Promise<void>
}
