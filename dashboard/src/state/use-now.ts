import { useEffect, useState } from 'preact/hooks'

/** The monotonic clock in milliseconds; the component renders again every `periodMs`. */
export function useNowMs(periodMs: number): number {
  const [, setTick] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => setTick((tick) => tick + 1), periodMs)
    return () => clearInterval(timer)
  }, [periodMs])
  return performance.now()
}
