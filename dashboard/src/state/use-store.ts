import { useEffect, useState } from 'preact/hooks'
import type { Store } from './store.ts'

/** The store's value; the component renders again when it changes. */
export function useStore<Value>(store: Store<Value>): Value {
  const [value, setValue] = useState(store.value)
  useEffect(() => {
    const follow = () => setValue(() => store.value)
    follow() // it may have changed between render and effect
    return store.listen(follow)
  }, [store])
  return value
}
