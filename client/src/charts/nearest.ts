/** Which of many places is meant by a pointer. */

export interface Place {
  readonly x: number;
  readonly y: number;
}

/** The index of the place that is nearest to a point, no farther than `reach`; -1 where none is. */
export function nearest(places: readonly Place[], x: number, y: number, reach: number): number {
  let best = -1;
  let least = reach * reach;
  places.forEach((place, index) => {
    const distance = (place.x - x) ** 2 + (place.y - y) ** 2;
    if (distance <= least) {
      least = distance;
      best = index;
    }
  });
  return best;
}
