const larger = /(^|[/_.])(accuracy|acc|f1|auc|precision|recall|score|map|iou|images_per_second)$/i;

/** Whether larger values of a metric are better, by its name: as the server takes it where an experiment's objective does not say. */
export function improvesUpwards(metric: string): boolean {
  return larger.test(metric);
}
