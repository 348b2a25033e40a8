import { describe, expect, test } from 'vitest';
import { networkOf } from '../../src/server/address.ts';
import { createBuckets, createPlaces } from '../../src/server/buckets.ts';

describe('a bucket', () => {
  test('gives at once what a minute allows, then evenly, and tells when', () => {
    let now = 1000;
    const buckets = createBuckets(60, () => now);
    expect(Array.from({ length: 61 }, () => buckets.take('a'))).toEqual([...Array(60).fill(0), 1]);
    expect(buckets.take('a', 10)).toBe(10);
    now += 999;
    expect(buckets.take('a')).toBe(1);
    now += 1;
    expect(buckets.take('a')).toBe(0);
    expect(buckets.take('a')).toBe(1);
    now += 3_600_000;
    expect(buckets.take('a', 60)).toBe(0); // never more than full
    expect(buckets.take('a')).toBe(1);
  });

  test('is a client’s own; what is refused takes nothing', () => {
    const buckets = createBuckets(10, () => 0);
    expect(buckets.take('a', 10)).toBe(0);
    expect(buckets.take('b', 4)).toBe(0);
    expect(buckets.take('b', 7)).toBe(6);
    expect(buckets.take('b', 6)).toBe(0);
    expect(buckets.wait('c')).toBe(0);
    expect(buckets.take('c', 10)).toBe(0);
  });

  test('that is asked for more than it ever holds gives when it is full', () => {
    let now = 0;
    const buckets = createBuckets(10, () => now);
    expect(buckets.take('a', 1000)).toBe(0);
    expect(buckets.take('a', 1000)).toBe(60);
    now = 60_000;
    expect(buckets.take('a', 1000)).toBe(0);
  });

  test('of whoever was longest away is forgotten beyond 10 000 clients', () => {
    const buckets = createBuckets(1, () => 0);
    buckets.take('first');
    buckets.take('second');
    for (let i = 0; i < 9998; i++) buckets.take(`client ${i}`);
    expect(buckets.take('first')).toBe(60);
    buckets.take('one more');
    expect(buckets.take('first')).toBe(60);
    expect(buckets.take('second')).toBe(0);
  });
});

test('places are given back once', () => {
  const places = createPlaces(2);
  const first = places.take('a')!;
  expect(places.take('a')).not.toBeNull();
  expect(places.take('a')).toBeNull();
  expect(places.take('b')).not.toBeNull();
  first();
  first();
  expect(places.take('a')).not.toBeNull();
  expect(places.take('a')).toBeNull();
});

test.for([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:0db8:1:2::', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['::1', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['', ''],
])('%s is counted as %s', ([address, network]) => {
  expect(networkOf(address!)).toBe(network);
});
