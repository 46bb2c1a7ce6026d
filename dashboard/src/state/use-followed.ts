import { useEffect } from 'preact/hooks'
import type { Followed, FollowedState } from './followed.ts'
import { useStore } from './use-store.ts'

/** What is followed, while the component is there and the page is looked at. */
export function useFollowed<Value>(followed: Followed<Value>): FollowedState<Value> {
  useEffect(() => {
    let unfollow = document.hidden ? undefined : followed.follow()
    const followVisibility = () => {
      unfollow?.()
      unfollow = document.hidden ? undefined : followed.follow()
    }
    document.addEventListener('visibilitychange', followVisibility)
    return () => {
      document.removeEventListener('visibilitychange', followVisibility)
      unfollow?.()
    }
  }, [followed])
  return useStore(followed.state)
}
