import type { Config } from '#config/config.ts'

/** A whole configuration in a folder of the test's, with free ports; the test overrides what it is about. */
export function testConfig(folder: string, overrides: Partial<Config> = {}): Config {
  return {
    data: `${folder}/data`,
    node: 'node-test',
    recordings: {
      roots: [`${folder}/recordings`],
      name: '{app}/{stream}/{date}-{time}',
      format: 'auto',
      durability: 'process',
      keep: { days: 0, bytes: 0, count: 0, minFreeBytes: 0 },
      fragmentMs: 900,
      trackWaitMs: 1_000,
      reconnectSeconds: 0,
      preRollSeconds: 0,
      mp4IndexBytes: 1024 * 1024,
      aacEncoder: 'aac',
    },
    rules: [],
    pulls: [],
    pullFolders: [],
    pullIdleTimeoutMs: 20_000,
    api: { listen: { host: '127.0.0.1', port: 0 }, allowedOrigins: [], allowedHosts: [] },
    rtmp: {
      listen: { host: '127.0.0.1', port: 0 },
      tls: { listen: undefined, certificate: '', key: '' },
      idleTimeoutMs: 10_000,
      maxConnections: 100,
      maxMessageBytes: 16 * 1024 * 1024,
      maxChunkStreams: 64,
    },
    rtsp: {
      listen: { host: '127.0.0.1', port: 0 },
      tls: { listen: undefined, certificate: '', key: '' },
      udpPorts: { first: 20_000, last: 29_999 },
      reorderMs: 200,
      damaged: 'drop',
      idleTimeoutMs: 10_000,
      sessionTimeoutMs: 60_000,
      maxConnections: 100,
    },
    auth: { tokens: [], publish: 'open', play: 'open' },
    hooks: { exec: [], webhooks: [], concurrency: 4, giveUpDays: 3, maxPending: 100_000, maxBytes: 1024 ** 3 },
    limits: {
      publishers: 100,
      recordingQueueBytes: 16 * 1024 * 1024,
      gopMemoryBytes: 8 * 1024 * 1024,
      preRollBytes: 8 * 1024 * 1024,
      pulls: 10,
      pullProcesses: 10,
    },
    facades: {},
    log: { level: 'info', format: 'json' },
    ...overrides,
  }
}
