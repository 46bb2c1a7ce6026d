import { Counter, Gauge, type Registry } from 'prom-client'
import type { Composer } from '#compose/composer.ts'
import type { RecompositionsApi } from './recompositions.ts'

/** What compositions do and take of the machine. Dispose the result to follow jobs no longer. */
export function registerComposing(
  registers: Registry[],
  composer: Pick<Composer, 'compositions' | 'counters' | 'load'>,
  jobs: Pick<RecompositionsApi, 'list' | 'events'>,
): Disposable {
  new Gauge({
    name: 'tapedeck_compositions',
    help: 'Compositions of streams, by state.',
    labelNames: ['state'],
    registers,
    collect() {
      this.reset()
      for (const state of ['starting', 'running', 'restarting']) this.set({ state }, 0)
      for (const { state } of composer.compositions()) if (state !== 'ended') this.inc({ state })
    },
  })
  new Gauge({
    name: 'tapedeck_composition_behind_seconds',
    help: 'How much of a composition should have come out and has not: more than a quarter means pictures are left out.',
    labelNames: ['stream'],
    registers,
    collect() {
      this.reset()
      for (const { output, behindSeconds } of composer.compositions()) this.set({ stream: output }, behindSeconds)
    },
  })
  new Gauge({
    name: 'tapedeck_composing_cores',
    help: 'CPU cores that compositions take, and may take all together; a start beyond that is refused.',
    labelNames: ['kind'],
    registers,
    collect() {
      const { usedCores, capacityCores } = composer.load
      this.set({ kind: 'used' }, usedCores)
      this.set({ kind: 'capacity' }, capacityCores)
    },
  })
  const counted = (name: string, help: string, counter: keyof Composer['counters']) =>
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(composer.counters[counter])
      },
    })
  counted('tapedeck_composition_pictures_dropped_total', 'Pictures there was no time to compose.', 'droppedPictures')
  counted('tapedeck_composition_restarts_total', 'Composing processes that ended and were replaced.', 'restarts')
  counted('tapedeck_compositions_refused_total', 'Compositions that the machine had no room for.', 'refused')
  new Gauge({
    name: 'tapedeck_compose_jobs',
    help: 'Compositions of recordings that wait for their turn, or go on.',
    labelNames: ['state'],
    registers,
    collect() {
      this.reset()
      for (const state of ['waiting', 'composing']) this.set({ state }, 0)
      for (const { state, endedAt } of jobs.list()) if (endedAt === null) this.inc({ state })
    },
  })
  const ended = new Counter({
    name: 'tapedeck_compose_jobs_ended_total',
    help: 'Compositions of recordings that are over, by outcome.',
    labelNames: ['outcome'],
    registers,
  })
  for (const outcome of ['ready', 'failed', 'cancelled']) ended.inc({ outcome }, 0)
  return jobs.events.listen(({ job }) => {
    if (job.endedAt !== null) ended.inc({ outcome: job.state })
  })
}
