export { isLoopback } from './guard-request.ts';
export { type DashboardOptions, type ServedDashboard, serveDashboard } from './serve-dashboard.ts';
