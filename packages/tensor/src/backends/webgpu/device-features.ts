/** Features to leave off although the adapter has them: to see, and measure, what other machines do. */
export type DeviceFeatures = { readonly [feature in 'f16' | 'subgroups' | 'subgroupMatrix']?: boolean };
