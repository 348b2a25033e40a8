import './ui/theme.css';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { connection } from './api/connection.ts';
import { ApiError } from './api/request.ts';
import { App } from './app/App.tsx';
import { ViewerProvider } from './parts/Viewer.tsx';

const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // What the server refuses it refuses again; what did not reach it, or its database, may the next time.
      retry: (count, error) => (!(error instanceof ApiError) || error.code === 'UNAVAILABLE') && count < 20,
      retryDelay: (count) => Math.min(250 * 2 ** count, 5_000),
      networkMode: 'always',
      staleTime: 2_000,
      refetchOnWindowFocus: true,
    },
    mutations: { networkMode: 'always' },
  },
});
connection.onReturn(() => void queryClient.invalidateQueries());

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <ViewerProvider>
        <App />
      </ViewerProvider>
    </QueryClientProvider>
  </StrictMode>,
);
